"""Sound: reading, checking, trimming; the only place that opens a sound file."""
