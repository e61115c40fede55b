"""The core: what is true of a payment, whoever asks and whoever provides."""
