"""``retender demo``: two second payments, played on a running system over real sockets."""
