"""What every system is to the training loop."""

from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.models.inputs import Inputs


class Classifier(nn.Module):
    """A network whose ``forward(inputs)`` gives scores (B, classes); the posteriors are their softmax."""

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """What training minimises, for labels (B,): cross entropy, unless a family says otherwise."""
        return F.cross_entropy(self(inputs), labels)
