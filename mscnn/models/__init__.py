"""Networks: layers that several systems share, then one file per family. This import loads no torch.

:mod:`mscnn.models.base` defines what a family is; :mod:`mscnn.models.families` finds that of a configuration.
"""

from mscnn.models.families import FAMILIES, SHARED, build, limits, options, pretrained, source_modules

__all__ = ["FAMILIES", "SHARED", "build", "limits", "options", "pretrained", "source_modules"]
