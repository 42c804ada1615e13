"""Ends well, with results."""

import mlhost

mlhost.param("threshold", 0.5, min=0, max=1)
for step in mlhost.loop(40):
    mlhost.log(accuracy=0.5 + step / 90)
mlhost.result(accuracy=0.93, model="resnet-18", confusion=[[48, 2], [3, 47]])
