"""The hallway: the only floor where the pure families meet staging, store and jobs. Surfaces and the worker call it."""
