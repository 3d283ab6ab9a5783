"""The symbolic half of gradlemma: networks as data, a proof kernel, theorems, typesetting."""
