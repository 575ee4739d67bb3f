"""Networks: layers that several systems share, then one file per family. This import loads no torch.

What a family is stands in :mod:`mscnn.models.base`; where a configuration's is found, in :mod:`mscnn.models.families`.
"""

from mscnn.models.families import FAMILIES, SHARED, build, limits, options, pretrained, source_modules

__all__ = ["FAMILIES", "SHARED", "build", "limits", "options", "pretrained", "source_modules"]
