"""What every system is to the training loop."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.models.inputs import Inputs


class Classifier(nn.Module):
    """A network whose ``forward(inputs)`` gives scores (B, classes); the posteriors are their softmax."""

    @classmethod
    def pretrained(cls, options: object) -> Mapping[str, str]:
        """What names the weights that options bring along, by option: others make finished trainings stale."""
        return {}

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Loss of scores (B, classes) for labels (B,), on train and dev: cross entropy, unless a family differs."""
        return F.cross_entropy(scores, labels)

    def loss(self, inputs: Inputs, labels: Tensor) -> Tensor:
        """What training minimises: the criterion, and whatever a family adds to it."""
        return self.criterion(self(inputs), labels)
