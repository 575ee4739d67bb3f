"""Typed configuration: what people write in YAML, and on the command line after ``--set``.

:mod:`schema` reads YAML into dataclasses; ``training``, ``segments``, ``labels`` and ``protocol`` are such; ``layers``
puts the files of a model on top of each other, ``overrides`` settings on top of those, and ``model`` is what they come
to; ``show`` prints it.
"""
