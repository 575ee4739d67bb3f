"""Typed configuration: YAML files of ``conf``, and settings given with ``--set``, as checked dataclasses.

:mod:`schema` reads YAML into dataclasses; ``training``, ``segments``, ``labels`` and ``protocol`` define some of them.
``layers`` merges the files of a model, ``overrides`` applies settings to them, ``model`` is the resolved configuration,
and ``show`` prints it.
"""
