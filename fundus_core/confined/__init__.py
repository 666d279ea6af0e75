"""What a stranger made is opened in a process of its own: with limits, without a network, writing to one folder.

``run`` names a function of this package; it is called in a fresh process that shares nothing with this one. It
answers with plain values and with files in its folder. Neither is believed: the answer is JSON of limited size, the
error is one of our own kinds with a sentence of limited length, and files are taken with ``taken``, which follows no
link. Whoever calls checks what the values and files mean.
"""

from fundus_core.confined.answers import Answer, opened, plain, taken, tell
from fundus_core.confined.supervise import ALL, Limits, StoppedError, of_weights, run, sentences
