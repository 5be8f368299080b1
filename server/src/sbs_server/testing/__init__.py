"""What tests of several members share; not used by anything that runs in production."""
