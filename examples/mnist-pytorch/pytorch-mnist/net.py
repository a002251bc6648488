# The same file is in pytorch-mnist and in seldon-mnist: each folder is taken alone, one for training and one for the image.
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """Two convolutions and two layers; from images of 28 by 28 to the logarithms of ten probabilities."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.dropout(x, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


MEAN, DEVIATION = 0.1307, 0.3081  # of all pixels of MNIST, between 0 and 1
