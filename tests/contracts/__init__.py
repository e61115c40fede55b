"""The kit: what every adapter and every plugin proves, shipped for strangers too."""
