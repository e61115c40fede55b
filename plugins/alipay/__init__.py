"""Alipay, v2 gateway: pages signed here, everything else asked by one client."""
