"""How the files in this folder were made: small networks with random weights, written by TensorFlow's own Keras 2.

TensorFlow is not among this project's requirements, so that the files are kept. In an environment of its own, with
tensorflow-cpu 2.21 and tf_keras 2.21: ``python make.py FOLDER``.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

SIDE = 32


def photographs():
    """Two pictures of noise that the tests draw again."""
    return np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.float32)


def base(generator):
    """What Keras 2 wrote differently: axes in lists, groups of depthwise kernels, a model within a model."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Activation("swish"),
        ],
        name="base",
    )
    start = keras.Input((SIDE, SIDE, 3))
    made = keras.Model(start, inner(start), name="functional_base")
    for weight in made.weights:
        drawn = generator.normal(0, 0.3, weight.shape) + (1.0 if "gamma" in weight.name else 0.0)
        weight.assign(np.abs(drawn) + 0.2 if "variance" in weight.name else drawn)
    return made


def two_outputs(generator):
    """A functional model around a functional model around a sequential one, with two outputs."""
    start = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(base(generator)(start))
    pressure = keras.layers.Dense(1, name="sbp")(pooled)
    sex = keras.layers.Dense(1, activation="sigmoid", name="sex")(pooled)
    return keras.Model(start, [pressure, sex])


class Program(tf.Module):
    """A graph that calls Python."""

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32)])
    def __call__(self, pictures):
        """Return means, by Python."""
        means = tf.numpy_function(lambda a: a.mean((1, 2)), [pictures], tf.float32)
        means.set_shape([None, 3])
        return means


def eight_bits(saved_model):
    """The same in whole numbers, as for a telephone."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in photographs())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


def main(folder):
    """Write everything."""
    model = two_outputs(np.random.default_rng(0))
    model.save(folder / "keras2.h5")
    model.save(folder / "keras2.keras")
    for name, thing in (("saved_model", model), ("calls_python", Program())):
        tf.saved_model.save(thing, str(folder / name))
        shutil.make_archive(str(folder / name), "zip", folder / name)
        if thing is model:  # TensorFlow Lite holds the outputs of this one the last one first
            lite = tf.lite.TFLiteConverter.from_saved_model(str(folder / name)).convert()
            (folder / "keras2.tflite").write_bytes(lite)
            (folder / "keras2_eight_bits.tflite").write_bytes(eight_bits(folder / name))
        shutil.rmtree(folder / name)
    values = np.concatenate(model.predict(photographs(), verbose=0), axis=1)
    (folder / "expected.json").write_text(json.dumps(values.astype(float).tolist()) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
