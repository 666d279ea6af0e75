"""From latents to one photograph: anatomy, vessels, tissue, camera, each with a generator of its own."""

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Floats, Pixels
from fundus_core.synthetic.anatomy import add_signals
from fundus_core.synthetic.camera import CAMERAS, Camera, expose, field_pixels, frame, illuminate, record
from fundus_core.synthetic.defects import add_defect
from fundus_core.synthetic.population import TRAITS
from fundus_core.synthetic.tissue import grid, paint
from fundus_core.synthetic.vessels import tree


def eye_seed(seed: int, person: int, eye: Eye) -> int:
    """Return the seed of one eye: all that a drawing depends on besides z and the camera."""
    side = 1 if eye is Eye.LEFT else 0
    return int(np.random.SeedSequence([seed, person, side]).generate_state(1, np.uint64)[0])


def draw(z: Floats, eye: Eye, camera: Camera, seed_of_eye: int, size: int, defect: str = "") -> Pixels:
    """Draw one photograph from 7 latents in the order of ``population.TRAITS``: height x width x 3, RGB, 0..255.

    A left eye is drawn mirrored. The seed is of everything random: with another z it is the same eye of a changed
    person. ``size`` is about the height in pixels (each camera has its own share of it); ``defect`` is one of
    ``defects.DEFECTS``, empty for a good photograph.
    """
    children = np.random.SeedSequence(seed_of_eye).spawn(6)
    place, branches, skin, shutter, grain, mishap = map(np.random.default_rng, children)
    view = grid(field_pixels(camera, size), camera.zoom)
    anatomy = add_signals(z, place)
    tissue = paint(anatomy, tree(anatomy, branches), view, skin)
    if eye is Eye.LEFT:
        tissue = np.ascontiguousarray(tissue[:, ::-1])
    exposure = expose(shutter)
    field = add_defect(illuminate(tissue, camera, exposure, view), view, defect, mishap)
    return frame(record(field, camera, view, grain), camera, exposure, size)


def what_if(seed_of_eye: int, z: Floats, camera: str, size: int, eye: Eye = Eye.RIGHT) -> Pixels:
    """Redraw one eye with other latents: what z changes, and nothing else, differs.

    Raises:
        UsageError: No camera has that name, or z is not 7 finite numbers.
    """
    if camera not in CAMERAS:
        raise UsageError("There is no camera '{camera}'; the cameras are {cameras}.", camera=camera, cameras=CAMERAS)
    if np.shape(z) != (len(TRAITS),) or not np.all(np.isfinite(z)):
        raise UsageError(
            "Latents are {traits} finite numbers ({traits_2}), not {z}.", traits=len(TRAITS), traits_2=TRAITS, z=repr(z)
        )
    return draw(z, eye, CAMERAS[camera], seed_of_eye, size)
