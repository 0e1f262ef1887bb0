"""The processes of an installation on many machines: what `retoucher worker` and `retoucher sweeper` run."""
