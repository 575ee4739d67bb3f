"""A small web service of one trained model, and its page. Needs the extra ``serve``; nothing here imports it early."""
