"""Leakage audits of protocols: what train and test share, and scores of baselines (:func:`mscnn.audit`)."""
