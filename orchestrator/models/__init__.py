"""Models behind one door: providers, the gateway that all calls pass, and what they cost."""
