"""What every system is to the training loop."""

from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.models.inputs import Inputs


class Classifier(nn.Module):
    """A network whose ``forward(inputs)`` gives scores (B, classes); the posteriors are their softmax."""

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Loss of scores (B, classes) for labels (B,), on train and dev: cross entropy, unless a family differs."""
        return F.cross_entropy(scores, labels)

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """What training minimises: the criterion, and whatever a family adds to it."""
        return self.criterion(self(inputs), labels)
