"""The simulated charge point: its model with injected time, its client on real sockets."""
