from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.frame import Sensor
from fusion_rt.sources.synthetic import SceneSettings, SyntheticSource, rig_dict, truth
from fusion_rt.sources.synthetic.geometry import to_world_picture, visible_view
from fusion_rt.sources.synthetic.layout import make_layout
from fusion_rt.sources.synthetic.street import TOWER_Z

SETTINGS = SceneSettings(ir_bits=16)
QUIET = SceneSettings(ir_bits=16, noise=0)
INDEX = 60  # 2 s


@pytest.fixture(scope="module")
def pictures():
    """Noise-free pictures (infrared counts, visible BGR) at 2 s."""
    return tuple(SyntheticSource(QUIET, sensor).render(INDEX) for sensor in (Sensor.IR, Sensor.VIS))


@pytest.fixture(scope="module")
def scene():
    return truth(SETTINGS)


@pytest.fixture(scope="module")
def kelvin_on_vis(pictures, scene):
    counts = pictures[0].astype(np.float32)
    return cv2.warpPerspective(counts, scene.H_vis_ir, SETTINGS.vis_wh, borderValue=np.nan) / 100


def edge(profile):
    """Place along a profile where it crosses half-way between its two ends, in samples."""
    profile = np.asarray(profile, float)
    low, high = profile[:3].mean(), profile[-3:].mean()
    share = (profile - low) / (high - low)
    first = int(np.flatnonzero(share >= 0.5)[0])
    return first - 1 + (0.5 - share[first - 1]) / (share[first] - share[first - 1])


def tower_edges(settings):
    """Known sides and roofs of far towers: (point, direction across the edge) in visible px."""
    view, layout, found = visible_view(settings.vis_wh), make_layout(settings.seed), []
    for start, end, height in layout.towers:
        for x in (start, end):
            # Between two rows of windows, where walls are plain.
            for floor in range(int(height / 3.1) - 5, int(height / 3.1)):
                at = view.to_px(to_world_picture(np.array([[x, 3.1 * floor + 0.75, TOWER_Z]])))[0]
                found.append((at, np.array([1.0, 0.0])))
        for share in (0.3, 0.5, 0.7):
            x = start + share * (end - start)
            at = view.to_px(to_world_picture(np.array([[x, height, TOWER_Z]])))[0]
            found.append((at, np.array([0.0, 1.0])))
    return found


def sample(picture, points):
    x, y = (points[:, i].astype(np.float32)[None] for i in (0, 1))
    return cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderValue=np.nan)[0]


def test_homography_holds_to_a_third_of_a_pixel_in_the_pictures(pictures, scene):
    ir, vis = pictures[0], pictures[1].astype(np.float32).sum(axis=2)
    back = np.linalg.inv(scene.H_vis_ir)
    reach = np.arange(-3.0, 3.001, 0.5)
    shifts = {"across": [], "down": []}
    for at, direction in tower_edges(QUIET):
        line = at + reach[:, None] * direction
        in_ir = cv2.perspectiveTransform(line[None], back)[0]
        seen, warm = sample(vis, line), sample(ir, in_ir)
        sky_free = np.ptp(warm) > 400 and np.ptp(seen) > 20 and not np.isnan(warm).any()
        if not sky_free:  # outside a picture, or other houses stand before or behind
            continue
        shifts["across" if direction[0] else "down"].append((edge(warm) - edge(seen)) * 0.5)
    for name, values in shifts.items():
        assert len(values) >= 3, name
        assert abs(np.median(values)) < 0.3, (name, values)
    assert np.percentile(np.abs(np.concatenate(list(shifts.values()))), 90) < 0.6


def test_registration_matters(scene):
    """Without it, by scaling alone, things lie tens of pixels off."""
    (iw, ih), (vw, vh) = SETTINGS.ir_wh, SETTINGS.vis_wh
    points = np.array([[[100.0, 100.0], [320.0, 256.0], [540.0, 400.0]]])
    scaled = points * (vw / iw, vh / ih)
    off = np.linalg.norm(cv2.perspectiveTransform(points, scene.H_vis_ir) - scaled, axis=2)
    assert off.max() > 40


def test_infrared_sees_most_but_not_all_of_the_visible_width(scene):
    row = np.array([[[-0.5, 255.5], [639.5, 255.5]]])
    left, right = cv2.perspectiveTransform(row, scene.H_vis_ir)[0, :, 0]
    assert 0.80 < (min(right, 1280) - max(left, 0)) / 1280 < 0.90


def test_rig_holds_sizes_and_homography_as_plain_numbers(scene):
    rig = rig_dict(SETTINGS)
    assert (rig["ir"]["size"], rig["vis"]["size"]) == ([640, 512], [1280, 720])
    np.testing.assert_array_equal(np.array(rig["H_vis_ir"]), scene.H_vis_ir)
    assert all(type(value) is float for row in rig["H_vis_ir"] for value in row)


def test_sizes_change_the_homography_by_their_scales_alone():
    small = truth(SceneSettings(ir_wh=(320, 256), vis_wh=(640, 360))).H_vis_ir
    full = truth(SceneSettings()).H_vis_ir
    corner = np.array([[[100.0, 50.0]]])  # in the large infrared picture
    halved = cv2.perspectiveTransform((corner + 0.5) / 2 - 0.5, small)
    np.testing.assert_allclose((halved + 0.5) * 2 - 0.5, cv2.perspectiveTransform(corner, full))


def ring_around(mask, others):
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((15, 15))) > 0
    near = cv2.dilate(others.astype(np.uint8), np.ones((5, 5))) > 0
    return wide & ~near


def test_every_target_is_warmer_than_what_surrounds_it(kelvin_on_vis, scene):
    t_ns = SETTINGS.scene_ns(Sensor.IR, INDEX)
    targets, everyone = scene.targets(t_ns), scene.target_mask(t_ns)
    walkers = 0
    for target in targets:
        seen = target.mask & ~np.isnan(kelvin_on_vis)
        if seen.sum() < 150 or not target.name.startswith(("walker", "cyclist")):
            continue
        around = ring_around(target.mask, everyone) & ~np.isnan(kelvin_on_vis)
        warmth = np.median(kelvin_on_vis[seen]) - np.median(kelvin_on_vis[around])
        assert warmth > 5.0, target.name
        walkers += 1
    assert walkers >= 6


def test_warm_pixels_of_the_picture_lie_inside_the_target_masks(kelvin_on_vis, scene):
    mask = scene.target_mask(SETTINGS.scene_ns(Sensor.IR, INDEX))
    hot = np.nan_to_num(kelvin_on_vis) > 294.0
    hot[:250] = False  # above the street: vents
    loose = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0
    assert hot.sum() > 1000
    assert (hot & ~loose).sum() / hot.sum() < 0.03


def test_people_in_the_dark_are_faint_in_visible_but_bright_in_infrared(scene, kelvin_on_vis):
    picture = SyntheticSource(SETTINGS, Sensor.VIS).render(INDEX)
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(float)
    t_ns = SETTINGS.scene_ns(Sensor.VIS, INDEX)
    everyone, faint = scene.target_mask(t_ns), []
    for target in scene.targets(t_ns):
        if not target.name.startswith("walker") or target.mask.sum() < 600:
            continue
        around = ring_around(target.mask, everyone)
        contrast = abs(luma[target.mask].mean() - luma[around].mean())
        noise = 0.5 * (luma[target.mask].std() + luma[around].std())
        if contrast < 14 and contrast < 2.5 * noise:
            faint.append(target)
    assert len(faint) >= 2
    for target in faint:
        inside = np.nanmean(kelvin_on_vis[target.mask])
        around = np.nanmean(kelvin_on_vis[ring_around(target.mask, everyone)])
        assert inside - around > 100 * 0.05, target.name  # a hundred times the sensor's noise


def test_neon_writing_is_bright_in_visible_and_absent_in_infrared(pictures, scene):
    view, layout = visible_view(QUIET.vis_wh), make_layout(QUIET.seed)
    back, checked = np.linalg.inv(scene.H_vis_ir), 0
    for sign in (s for s in layout.signs if s.down):
        board = np.array([[x, y, sign.z] for x, y in ((-7.1, sign.y + 1.9), (-6.6, sign.y + 0.9))])
        (left, top), (right, bottom) = view.project(board)
        if left < 0 or top < 0 or right - left < 20:
            continue
        grid = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), -1)
        points = grid.reshape(-1, 2)
        level = sample(pictures[1].max(axis=2), points)
        counts = sample(pictures[0], cv2.perspectiveTransform(points[None], back)[0])
        inside = ~np.isnan(counts)
        lit, dark = (level > 240) & inside, (level < 180) & inside
        if lit.sum() < 20 or dark.sum() < 20:
            continue
        assert abs(np.median(counts[lit]) - np.median(counts[dark])) < 10  # 0.1 K
        checked += 1
    assert checked >= 1


def test_boxes_hold_their_masks_and_names_are_unique(scene):
    targets = scene.targets(SETTINGS.scene_ns(Sensor.VIS, INDEX))
    names = [target.name for target in targets]
    assert len(set(names)) == len(names)
    for target in targets:
        left, top, right, bottom = target.box
        assert target.mask[top:bottom, left:right].sum() == target.mask.sum() > 0
    depths = [target.depth_m for target in targets]
    assert depths == sorted(depths, reverse=True)


def test_a_nearer_target_hides_the_one_behind_it():
    """Movers overlap at some moment of a longer scene; their masks never do."""
    settings = SceneSettings(seconds=20, vis_wh=(320, 180), ir_wh=(160, 128))
    scene = truth(settings)
    touching = 0
    for second in range(20):
        targets = scene.targets(second * 1_000_000_000)
        total = np.zeros((180, 320), int)
        for target in targets:
            total += target.mask
        assert total.max() <= 1
        for near in targets:
            left, top, right, bottom = near.box
            touching += sum(
                far.depth_m > near.depth_m and far.mask[top:bottom, left:right].any()
                for far in targets
            )
    assert touching > 0  # boxes did overlap, so something was hidden
