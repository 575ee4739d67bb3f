"""Networks: layers that several systems share, then one file per family."""
