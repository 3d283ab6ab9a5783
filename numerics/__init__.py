"""The torch reading of networks: values, curvature, spectra and searches for large values.

Everything here is of the tier *float*: estimates with dtype, device and an error beside them.
They refute or illustrate a bound; they never prove one.
"""
