"""A thin, typed layer over Blender's Python module: materials, solids, movers, cameras.

Lengths are metres, times seconds, angles radians, z points up. There are no key frames: a scene
registers movers, and each frame calls all of them with its time. Any frame can therefore be
rendered by itself, and two cameras at the same time show the same moment.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector  # type: ignore[import-not-found]
from textures import Array, Color

Point = tuple[float, float, float]
Mover = Callable[[float], None]


def linear(color: Color) -> Color:
    """sRGB 0..1 to linear light."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return (red, green, blue)


def smooth(x: float) -> float:
    """Ease in and out between 0 and 1, constant outside."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def mix(a: Point, b: Point, x: float) -> Point:
    return (a[0] + (b[0] - a[0]) * x, a[1] + (b[1] - a[1]) * x, a[2] + (b[2] - a[2]) * x)


@dataclass(frozen=True)
class Light:
    """Sun, sky and air of one take."""

    sun_azimuth: float
    sun_elevation: float
    sun_color: Color
    sun_power: float
    sky: Array
    sky_power: float
    haze_color: Color  # linear light: the colour that distant objects fade to
    haze_distance: float  # metres after which 63 % of an object's own colour is gone
    sun_size: float = 0.02  # radians across; larger is softer
    exposure: float = 0.0  # stops


@dataclass(frozen=True)
class Route:
    """A smooth curve through points, walked by distance."""

    points: Sequence[Point]
    samples: tuple[tuple[float, Point], ...] = field(init=False)

    def __post_init__(self) -> None:
        pts = [Vector(p) for p in self.points]
        pts = [2 * pts[0] - pts[1], *pts, 2 * pts[-1] - pts[-2]]
        walked, last = 0.0, pts[1]
        table: list[tuple[float, Point]] = []
        for i in range(1, len(pts) - 2):
            for step in range(17):
                x = step / 16
                a, b, c, d = pts[i - 1], pts[i], pts[i + 1], pts[i + 2]
                p = 0.5 * (
                    2 * b
                    + (c - a) * x
                    + (2 * a - 5 * b + 4 * c - d) * x * x
                    + (3 * b - a - 3 * c + d) * x**3
                )
                walked += (p - last).length
                last = p
                table.append((walked, (p.x, p.y, p.z)))
        object.__setattr__(self, "samples", tuple(table))

    @property
    def length(self) -> float:
        return self.samples[-1][0]

    def at(self, distance: float) -> tuple[Point, float]:
        """Position and heading (0 looks along +x) after `distance` metres; clamped at the ends."""
        distance = min(max(distance, 0.0), self.length - 1e-3)
        for (d0, p0), (d1, p1) in zip(self.samples, self.samples[1:], strict=False):
            if d1 > distance >= d0 and d1 > d0:
                heading = math.atan2(p1[1] - p0[1], p1[0] - p0[0])
                return mix(p0, p1, (distance - d0) / (d1 - d0)), heading
        return self.samples[-1][1], 0.0


class Solid:
    """Collects simple shapes, each with a material, and becomes one mesh."""

    def __init__(self) -> None:
        self.verts: list[Point] = []
        self.faces: list[tuple[int, ...]] = []
        self.slots: list[int] = []
        self.round: list[bool] = []
        self.materials: list[Any] = []

    def add(
        self,
        verts: Sequence[Sequence[float]],
        faces: Sequence[Sequence[int]],
        material: Any,
        *,
        round_: bool = False,
    ) -> None:
        base = len(self.verts)
        if material not in self.materials:
            self.materials.append(material)
        slot = self.materials.index(material)
        self.verts.extend((float(v[0]), float(v[1]), float(v[2])) for v in verts)
        for face in faces:
            self.faces.append(tuple(base + i for i in face))
            self.slots.append(slot)
            self.round.append(round_)

    def box(
        self,
        material: Any,
        size: Point,
        at: Point = (0, 0, 0),
        *,
        turn: float = 0.0,
        tilt: float = 0.0,
        taper: float = 1.0,
    ) -> None:
        """A box that stands on `at` (centre of its foot), turned about z, tilted about x."""
        sx, sy, sz = size[0] / 2, size[1] / 2, size[2]
        corners = [
            (x * s, y * s, z)
            for z, s in ((0.0, 1.0), (sz, taper))
            for x, y in ((-sx, -sy), (sx, -sy), (sx, sy), (-sx, sy))
        ]
        move = (
            Matrix.Translation(at) @ Matrix.Rotation(turn, 4, "Z") @ Matrix.Rotation(tilt, 4, "X")
        )
        verts = [tuple(move @ Vector(c)) for c in corners]
        sides = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (3, 2, 1, 0), (4, 5, 6, 7)]
        self.add(verts, sides, material)

    def tube(
        self,
        material: Any,
        start: Point,
        end: Point,
        radius: float,
        end_radius: float | None = None,
        sides: int = 8,
    ) -> None:
        """A round bar (or a cone) between two points."""
        a, b = Vector(start), Vector(end)
        turn = (b - a).to_track_quat("Z", "Y").to_matrix()
        radii = (radius, radius if end_radius is None else end_radius)
        verts = [
            tuple(p + turn @ Vector((r * math.cos(k), r * math.sin(k), 0.0)))
            for p, r in zip((a, b), radii, strict=True)
            for k in (2 * math.pi * i / sides for i in range(sides))
        ]
        walls = [(i, (i + 1) % sides, sides + (i + 1) % sides, sides + i) for i in range(sides)]
        self.add(verts, walls, material, round_=sides > 6)
        self.add(verts[sides:], [tuple(range(sides))], material)
        self.add(verts[:sides], [tuple(reversed(range(sides)))], material)

    def lathe(
        self, material: Any, outline: Sequence[tuple[float, float]], at: Point, sides: int = 16
    ) -> None:
        """The (radius, z) outline turned about an upright axis through `at`."""
        verts = [
            (at[0] + r * math.cos(k), at[1] + r * math.sin(k), at[2] + z)
            for r, z in outline
            for k in (2 * math.pi * i / sides for i in range(sides))
        ]
        faces = [
            (
                row * sides + i,
                row * sides + (i + 1) % sides,
                (row + 1) * sides + (i + 1) % sides,
                (row + 1) * sides + i,
            )
            for row in range(len(outline) - 1)
            for i in range(sides)
        ]
        self.add(verts, faces, material, round_=True)

    def ball(
        self,
        material: Any,
        radius: Point | float,
        at: Point,
        *,
        rough: float = 0.0,
        seed: int = 0,
        sides: int = 12,
    ) -> None:
        """An ellipsoid, dented at random by the share `rough` (boulders, crowns, puffs)."""
        rx, ry, rz = radius if isinstance(radius, tuple) else (radius, radius, radius)
        rng = np.random.default_rng(seed)
        waves = rng.normal(size=(6, 3)) * 2.2
        phases = rng.uniform(0, 6.28, 6)
        rings = sides // 2 + 1
        verts: list[Point] = []
        for ring in range(rings):
            phi = math.pi * ring / (rings - 1)
            for i in range(sides):
                k = 2 * math.pi * i / sides
                n = np.array(
                    [math.sin(phi) * math.cos(k), math.sin(phi) * math.sin(k), math.cos(phi)]
                )
                dent = 1 + rough * float(np.sin(waves @ n + phases).mean()) * 1.6
                verts.append(
                    (at[0] + rx * dent * n[0], at[1] + ry * dent * n[1], at[2] + rz * dent * n[2])
                )
        faces = [
            (
                row * sides + i,
                (row + 1) * sides + i,
                (row + 1) * sides + (i + 1) % sides,
                row * sides + (i + 1) % sides,
            )
            for row in range(rings - 1)
            for i in range(sides)
        ]
        self.add(verts, faces, material, round_=True)

    def profile(
        self,
        material: Any,
        outline: Sequence[tuple[float, float]],
        width: float,
        at: Point = (0, 0, 0),
        *,
        top: float = 1.0,
    ) -> None:
        """An (x, z) outline, counter-clockwise seen from -y, drawn out along y.

        `top` narrows the width in proportion to height (cars, hulls).
        """
        zs = [z for _, z in outline]
        low, span = min(zs), max(max(zs) - min(zs), 1e-6)
        verts: list[Point] = []
        for side in (-0.5, 0.5):
            for x, z in outline:
                half = side * width * (1 + (top - 1) * (z - low) / span)
                verts.append((at[0] + x, at[1] + half, at[2] + z))
        n = len(outline)
        self.add(
            verts,
            [tuple(range(n)), tuple(reversed(range(n, 2 * n)))]
            + [((i + 1) % n, i, n + i, n + (i + 1) % n) for i in range(n)],
            material,
        )

    def mesh(self, name: str) -> Any:
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.verts, [], self.faces)
        for material in self.materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", self.slots)
        mesh.polygons.foreach_set("use_smooth", self.round)
        mesh.update()
        return mesh


class Stage:
    """One scene in one light, with everything that moves in it."""

    def __init__(self, light: Light) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.light = light
        self.movers: list[Mover] = []
        self._images: dict[str, Any] = {}
        self._build_light()
        self.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera

    # --- light -----------------------------------------------------------------------------

    def _build_light(self) -> None:
        light = self.light
        world = bpy.data.worlds.new("world")
        self.scene.world = world
        world.use_nodes = True
        tree = world.node_tree
        texture = tree.nodes.new("ShaderNodeTexEnvironment")
        texture.image = self.image("sky", light.sky, data=True)
        background = tree.nodes["Background"]
        background.inputs["Strength"].default_value = light.sky_power
        tree.links.new(texture.outputs["Color"], background.inputs["Color"])
        world.cycles.sampling_method = "MANUAL"
        world.cycles.sample_map_resolution = 256
        sun = bpy.data.lights.new("sun", "SUN")
        sun.energy, sun.color, sun.angle = light.sun_power, light.sun_color, light.sun_size
        lamp = self.place(sun, "sun")
        direction = Vector(
            (
                math.cos(light.sun_elevation) * math.cos(light.sun_azimuth),
                math.cos(light.sun_elevation) * math.sin(light.sun_azimuth),
                math.sin(light.sun_elevation),
            )
        )
        lamp.rotation_euler = direction.to_track_quat("Z", "Y").to_euler()

    def lamp(
        self, at: Point, power: float, color: Color, *, radius: float = 0.3, size: float = 0.0
    ) -> Any:
        """A point lamp or, with `size` > 0, a square area lamp that shines down; watts."""
        data = bpy.data.lights.new("lamp", "AREA" if size else "POINT")
        data.energy, data.color = power, color
        if size:
            data.size = size
        else:
            data.shadow_soft_size = radius
        lamp = self.place(data, "lamp")
        lamp.location = at
        return lamp

    # --- images and materials --------------------------------------------------------------

    def image(self, name: str, pixels: Array, *, data: bool = False) -> Any:
        if name in self._images:
            return self._images[name]
        rows, columns = pixels.shape[:2]
        image = bpy.data.images.new(name, columns, rows, alpha=True, float_buffer=data)
        image.alpha_mode = "CHANNEL_PACKED"
        image.colorspace_settings.name = "Linear Rec.709" if data else "sRGB"
        image.pixels.foreach_set(np.ascontiguousarray(pixels, dtype=np.float32).ravel())
        image.update()
        image.pack()
        self._images[name] = image
        return image

    def material(
        self,
        name: str,
        pixels: Array,
        tile: float,
        *,
        follow: bool = False,
        rough: float = 0.8,
        metal: float = 0.0,
        bump: float = 0.3,
        vary: float = 0.0,
        glass: Array | None = None,
        glow: float = 0.0,
        drift: Point | None = None,
        patchy: float = 0.0,
        wet: float = 0.0,
    ) -> Any:
        """A surface whose image covers `tile` metres, projected from all six sides.

        `follow`: the pattern sticks to a moving object instead of the world. `vary`: each object
        gets its own hue and brightness. `glass`: the light image of `textures.facade`, shining
        with strength `glow`. `drift`: metres per second by which the pattern slides (water).
        `patchy`: how much a coarse copy of the pattern hides the repetition. `wet`: the share of
        the surface that lies under a mirror of water.
        """
        material, tree, shader = self._material(name)
        nodes, links = tree.nodes, tree.links
        if follow:
            source = nodes.new("ShaderNodeTexCoord").outputs["Object"]
        else:
            source = nodes.new("ShaderNodeNewGeometry").outputs["Position"]
        mapping = nodes.new("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = (1 / tile, 1 / tile, 1 / tile)
        links.new(source, mapping.inputs["Vector"])
        picture = self._picture(tree, mapping.outputs["Vector"], self.image(name, pixels))
        color = picture.outputs["Color"]
        if patchy > 0:
            color = self._patches(tree, source, color, self.image(name, pixels), tile, patchy)
        if vary > 0:
            color = self._own_color(tree, color, vary)
        links.new(color, shader.inputs["Base Color"])
        shader.inputs["Roughness"].default_value = rough
        shader.inputs["Metallic"].default_value = metal
        if bump > 0:
            relief = nodes.new("ShaderNodeBump")
            relief.inputs["Strength"].default_value = bump
            relief.inputs["Distance"].default_value = tile * 0.02
            links.new(picture.outputs["Alpha"], relief.inputs["Height"])
            links.new(relief.outputs["Normal"], shader.inputs["Normal"])
        if glass is not None:
            panes = self._picture(
                tree, mapping.outputs["Vector"], self.image(name + " glass", glass)
            )
            self._shine(tree, shader, panes, rough=rough, glow=glow)
        if wet > 0:
            self._pools(tree, source, shader, self.image(name, pixels), tile, wet, rough)
        if drift is not None:
            self.movers.append(_slider(mapping, drift, 1 / tile))
        return material

    def _patches(
        self, tree: Any, source: Any, color: Any, image: Any, tile: float, patchy: float
    ) -> Any:
        """The colour times a coarse copy of the pattern, which hides its repetition."""
        nodes, links = tree.nodes, tree.links
        coarse = nodes.new("ShaderNodeMapping")
        coarse.inputs["Scale"].default_value = (0.137 / tile, 0.137 / tile, 0.137 / tile)
        links.new(source, coarse.inputs["Vector"])
        blot = self._picture(tree, coarse.outputs["Vector"], image)
        scale = nodes.new("ShaderNodeMapRange")
        links.new(blot.outputs["Alpha"], scale.inputs["Value"])
        scale.inputs["To Min"].default_value = 1 - patchy
        scale.inputs["To Max"].default_value = 1 + patchy
        return self._times(tree, color, scale.outputs["Result"])

    def _own_color(self, tree: Any, color: Any, vary: float) -> Any:
        """The colour with a hue and brightness that differ per object."""
        nodes, links = tree.nodes, tree.links
        info = nodes.new("ShaderNodeObjectInfo")
        shift = nodes.new("ShaderNodeHueSaturation")
        for socket, share in (("Hue", 0.12), ("Value", 1.0)):
            span = nodes.new("ShaderNodeMapRange")
            links.new(info.outputs["Random"], span.inputs["Value"])
            middle = 0.5 if socket == "Hue" else 1.0
            span.inputs["To Min"].default_value = middle - vary * share
            span.inputs["To Max"].default_value = middle + vary * share
            links.new(span.outputs["Result"], shift.inputs[socket])
        links.new(color, shift.inputs["Color"])
        return shift.outputs["Color"]

    def _shine(self, tree: Any, shader: Any, panes: Any, *, rough: float, glow: float) -> None:
        """Windows: smooth where the picture `panes` has them, and lit."""
        tree.links.new(panes.outputs["Color"], shader.inputs["Emission Color"])
        shader.inputs["Emission Strength"].default_value = glow
        matt = tree.nodes.new("ShaderNodeMapRange")
        matt.inputs["To Min"].default_value = rough
        matt.inputs["To Max"].default_value = 0.08
        tree.links.new(panes.outputs["Alpha"], matt.inputs["Value"])
        tree.links.new(matt.outputs["Result"], shader.inputs["Roughness"])

    def _pools(
        self,
        tree: Any,
        source: Any,
        shader: Any,
        image: Any,
        tile: float,
        wet: float,
        rough: float,
    ) -> None:
        """A mirror of water over the share `wet` of the surface."""
        nodes, links = tree.nodes, tree.links
        pools = nodes.new("ShaderNodeMapping")
        pools.inputs["Scale"].default_value = (0.31 / tile, 0.31 / tile, 0.31 / tile)
        links.new(source, pools.inputs["Vector"])
        depth = self._picture(tree, pools.outputs["Vector"], image)
        film = nodes.new("ShaderNodeMapRange")
        film.inputs["From Min"].default_value = wet - 0.12
        film.inputs["From Max"].default_value = wet + 0.12
        film.inputs["To Min"].default_value, film.inputs["To Max"].default_value = 0.04, rough
        links.new(depth.outputs["Alpha"], film.inputs["Value"])
        links.new(film.outputs["Result"], shader.inputs["Roughness"])

    def plain(
        self,
        name: str,
        color: Color,
        *,
        rough: float = 0.5,
        metal: float = 0.0,
        glow: float = 0.0,
        vary: float = 0.0,
    ) -> Any:
        """One sRGB colour; `glow` > 0 makes it shine with that strength."""
        material, tree, shader = self._material(name)
        shader.inputs["Base Color"].default_value = (*linear(color), 1)
        shader.inputs["Roughness"].default_value = rough
        shader.inputs["Metallic"].default_value = metal
        if glow > 0:
            shader.inputs["Emission Color"].default_value = (*linear(color), 1)
            shader.inputs["Emission Strength"].default_value = glow
        if vary > 0:
            info = tree.nodes.new("ShaderNodeObjectInfo")
            shift = tree.nodes.new("ShaderNodeHueSaturation")
            shift.inputs["Color"].default_value = (*linear(color), 1)
            span = tree.nodes.new("ShaderNodeMapRange")
            span.inputs["To Min"].default_value = 0.5 - vary
            span.inputs["To Max"].default_value = 0.5 + vary
            tree.links.new(info.outputs["Random"], span.inputs["Value"])
            tree.links.new(span.outputs["Result"], shift.inputs["Hue"])
            tree.links.new(shift.outputs["Color"], shader.inputs["Base Color"])
        return material

    def water(self, name: str, color: Color, ripples: Array, tile: float, drift: Point) -> Any:
        """A shiny surface with two layers of ripples that slide across each other."""
        material, tree, shader = self._material(name)
        nodes, links = tree.nodes, tree.links
        shader.inputs["Roughness"].default_value = 0.09
        source = nodes.new("ShaderNodeNewGeometry").outputs["Position"]
        image = self.image(name, ripples)
        heights = []
        for size, sign in ((tile, 1.0), (tile * 0.31, -0.8)):
            mapping = nodes.new("ShaderNodeMapping")
            mapping.inputs["Scale"].default_value = (1 / size, 1 / size, 1 / size)
            links.new(source, mapping.inputs["Vector"])
            picture = nodes.new("ShaderNodeTexImage")
            picture.image = image
            links.new(mapping.outputs["Vector"], picture.inputs["Vector"])
            heights.append(picture.outputs["Alpha"])
            self.movers.append(_slider(mapping, drift, sign / size))
        both = nodes.new("ShaderNodeMath")
        both.operation = "ADD"
        for slot, height in enumerate(heights):
            links.new(height, both.inputs[slot])
        relief = nodes.new("ShaderNodeBump")
        relief.inputs["Strength"].default_value = 0.8
        relief.inputs["Distance"].default_value = tile * 0.08
        links.new(both.outputs[0], relief.inputs["Height"])
        links.new(relief.outputs["Normal"], shader.inputs["Normal"])
        # Crests are lighter than troughs, so that water has a pattern under a blank sky too.
        tone = nodes.new("ShaderNodeMapRange")
        tone.inputs["From Min"].default_value, tone.inputs["From Max"].default_value = 0.6, 1.6
        tone.inputs["To Min"].default_value, tone.inputs["To Max"].default_value = 0.35, 2.4
        links.new(both.outputs[0], tone.inputs["Value"])
        base = nodes.new("ShaderNodeRGB")
        base.outputs[0].default_value = (*linear(color), 1)
        links.new(
            self._times(tree, base.outputs[0], tone.outputs["Result"]), shader.inputs["Base Color"]
        )
        return material

    def vapour(self, name: str, color: Color, density: float, *, glow: float = 0.0) -> Any:
        """Smoke, steam and flame: see-through, thinnest where a puff is seen edge-on."""
        material, tree, shader = self._material(name)
        shader.inputs["Base Color"].default_value = (*linear(color), 1)
        shader.inputs["Roughness"].default_value = 1.0
        shader.inputs["Specular IOR Level"].default_value = 0.0
        if glow > 0:
            shader.inputs["Emission Color"].default_value = (*linear(color), 1)
            shader.inputs["Emission Strength"].default_value = glow
        edge = tree.nodes.new("ShaderNodeLayerWeight")
        edge.inputs["Blend"].default_value = 0.5
        alpha = tree.nodes.new("ShaderNodeMapRange")
        alpha.inputs["From Max"].default_value = 0.85
        alpha.inputs["To Min"].default_value, alpha.inputs["To Max"].default_value = density, 0.0
        tree.links.new(edge.outputs["Facing"], alpha.inputs["Value"])
        # The haze sits behind the shader, so the hole is cut last.
        output = tree.nodes["Material Output"]
        body = output.inputs["Surface"].links[0].from_socket
        clear = tree.nodes.new("ShaderNodeBsdfTransparent")
        cut = tree.nodes.new("ShaderNodeMixShader")
        tree.links.new(alpha.outputs["Result"], cut.inputs["Fac"])
        tree.links.new(clear.outputs[0], cut.inputs[1])
        tree.links.new(body, cut.inputs[2])
        tree.links.new(cut.outputs[0], output.inputs["Surface"])
        return material

    def _material(self, name: str) -> tuple[Any, Any, Any]:
        """A new material, its node tree and its shader, already faded by the haze."""
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        # Haze and windows are painted light: sampling them as lamps would only cost time.
        material.cycles.emission_sampling = "NONE"
        tree = material.node_tree
        nodes, links = tree.nodes, tree.links
        shader, output = nodes["Principled BSDF"], nodes["Material Output"]
        distance = nodes.new("ShaderNodeCameraData").outputs["View Distance"]
        thin = nodes.new("ShaderNodeMath")
        thin.operation = "MULTIPLY"
        thin.inputs[1].default_value = -1 / self.light.haze_distance
        links.new(distance, thin.inputs[0])
        left = nodes.new("ShaderNodeMath")
        left.operation = "EXPONENT"
        links.new(thin.outputs[0], left.inputs[0])
        gone = nodes.new("ShaderNodeMath")
        gone.operation = "SUBTRACT"
        gone.inputs[0].default_value = 1.0
        links.new(left.outputs[0], gone.inputs[1])
        seen = nodes.new("ShaderNodeMath")
        seen.operation = "MULTIPLY"
        links.new(gone.outputs[0], seen.inputs[0])
        links.new(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], seen.inputs[1])
        air = nodes.new("ShaderNodeEmission")
        air.inputs["Color"].default_value = (*self.light.haze_color, 1)
        blend = nodes.new("ShaderNodeMixShader")
        links.new(seen.outputs[0], blend.inputs["Fac"])
        links.new(shader.outputs[0], blend.inputs[1])
        links.new(air.outputs[0], blend.inputs[2])
        links.new(blend.outputs[0], output.inputs["Surface"])
        return material, tree, shader

    @staticmethod
    def _picture(tree: Any, vector: Any, image: Any) -> Any:
        picture = tree.nodes.new("ShaderNodeTexImage")
        picture.image = image
        picture.projection = "BOX"
        picture.projection_blend = 0.15
        tree.links.new(vector, picture.inputs["Vector"])
        return picture

    @staticmethod
    def _times(tree: Any, color: Any, factor: Any) -> Any:
        product = tree.nodes.new("ShaderNodeVectorMath")
        product.operation = "SCALE"
        tree.links.new(color, product.inputs[0])
        tree.links.new(factor, product.inputs["Scale"])
        return product.outputs[0]

    # --- objects ---------------------------------------------------------------------------

    def place(
        self,
        data: Any,
        name: str,
        at: Point = (0, 0, 0),
        *,
        turn: float = 0.0,
        scale: float | Point = 1.0,
        parent: Any = None,
    ) -> Any:
        """Link a mesh, a `Solid` or a lamp into the scene as a new object."""
        if isinstance(data, Solid):
            data = data.mesh(name)
        thing = bpy.data.objects.new(name, data)
        thing.location, thing.rotation_euler = at, (0, 0, turn)
        thing.scale = scale if isinstance(scale, tuple) else (scale, scale, scale)
        thing.parent = parent
        self.scene.collection.objects.link(thing)
        return thing

    def text(self, words: str, material: Any, at: Point, size: float, *, turn: float = 0.0) -> Any:
        """Upright raised letters, centred on `at`, readable from the -y side when not turned."""
        curve = bpy.data.curves.new(words, "FONT")
        curve.body, curve.size, curve.extrude = words, size, size * 0.08
        curve.align_x, curve.align_y = "CENTER", "CENTER"
        curve.resolution_u = 3
        curve.materials.append(material)
        letters = self.place(curve, words, at)
        letters.rotation_euler = (math.pi / 2, 0, turn)
        return letters

    def rain(self, count: int, seed: int) -> None:
        """Streaks that fall through a box around the camera."""
        rng = np.random.default_rng(seed)
        drop = self.plain("rain", (0.62, 0.66, 0.70), glow=0.12, rough=0.3)
        tall = 14.0
        solid = Solid()
        for x, y, z in rng.uniform((-12, -12, 0), (12, 12, tall), (count, 3)):
            if math.hypot(x, y) < 2.5:
                continue  # a drop on the lens would be a bar across the picture
            length, half = rng.uniform(0.25, 0.5), 0.006 + 0.0009 * math.hypot(x, y)
            turn = math.atan2(y, x) + math.pi / 2  # face the camera in the middle
            c, s = half * math.cos(turn), half * math.sin(turn)
            for lift in (0.0, tall):
                low, high = z + lift - tall / 2, z + lift - tall / 2 + length
                quad = [
                    (x - c, y - s, low),
                    (x + c, y + s, low),
                    (x + c + 0.04, y + s, high),
                    (x - c + 0.04, y - s, high),
                ]
                solid.add(quad, [(0, 1, 2, 3)], drop)
        shower = self.place(solid, "rain")
        shower.visible_shadow = shower.visible_glossy = shower.visible_diffuse = False

        def fall(t: float) -> None:
            eye = self.camera.matrix_world.translation
            shower.location = (eye.x, eye.y, eye.z - (9.0 * t) % tall)

        self.movers.append(fall)

    def pivot(self, at: Point = (0, 0, 0), *, parent: Any = None) -> Any:
        return self.place(None, "pivot", at, parent=parent)

    def ground(
        self,
        name: str,
        material: Any,
        size: float | tuple[float, float],
        cells: int,
        height: Callable[[Array, Array], Array],
        centre: tuple[float, float] = (0.0, 0.0),
    ) -> Any:
        """A grid of `cells` × `cells` squares lifted to `height(x, y)`."""
        wide, deep = size if isinstance(size, tuple) else (size, size)
        x = np.linspace(-wide / 2, wide / 2, cells + 1, dtype=np.float32) + centre[0]
        y = np.linspace(-deep / 2, deep / 2, cells + 1, dtype=np.float32) + centre[1]
        xs, ys = np.meshgrid(x, y)
        zs = np.broadcast_to(height(xs, ys), xs.shape)
        verts = np.stack([xs, ys, zs], axis=-1).reshape(-1, 3)
        row = cells + 1
        faces = [
            (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i)
            for j in range(cells)
            for i in range(cells)
        ]
        solid = Solid()
        solid.add(verts.tolist(), faces, material, round_=True)
        return self.place(solid, name)

    def flag(self, material: Any, at: Point, size: tuple[float, float], *, turn: float) -> None:
        """Cloth that flutters from a pole at `at` (its upper corner)."""
        columns, rows = 12, 4
        solid = Solid()
        grid = [
            (size[0] * i / columns, 0.0, -size[1] * j / rows)
            for j in range(rows + 1)
            for i in range(columns + 1)
        ]
        w = columns + 1
        faces = [
            (j * w + i, j * w + i + 1, j * w + w + i + 1, j * w + w + i)
            for j in range(rows)
            for i in range(columns)
        ]
        solid.add(grid, faces, material, round_=True)
        cloth = self.place(solid, "flag", at, turn=turn)
        rest = np.array(grid, dtype=np.float32)

        def flutter(t: float) -> None:
            moved = rest.copy()
            share = rest[:, 0] / size[0]
            moved[:, 1] = size[0] * 0.13 * share * np.sin(7 * share - 6.5 * t + 0.6 * rest[:, 2])
            moved[:, 2] -= size[1] * 0.12 * share * (1 + np.sin(3.1 * t + 4 * share))
            cloth.data.vertices.foreach_set("co", moved.ravel())
            cloth.data.update()

        self.movers.append(flutter)

    def plume(
        self,
        material: Any,
        at: Point,
        *,
        count: int,
        life: float,
        rise: float,
        drift: tuple[float, float],
        size: tuple[float, float],
        seed: int,
        born: float = -1000.0,
        dies: float = 1000.0,
    ) -> None:
        """Puffs that leave `at` one after another, rise and grow for `life` seconds each.

        `rise` and `drift` in metres a second, `size` the first and last radius. Puffs leave
        only between `born` and `dies`.
        """
        rng = np.random.default_rng(seed)
        meshes = []
        for k in range(3):
            solid = Solid()
            solid.ball(material, 1.0, (0, 0, 0), rough=0.45, seed=seed + k, sides=18)
            meshes.append(solid.mesh("puff"))
        for index in range(count):
            puff = self.place(meshes[index % 3], "puff")
            puff.visible_shadow = puff.visible_diffuse = False
            side = rng.normal(0, 1, 2).astype(np.float32)
            lag, spin = index / count * life, rng.uniform(-0.5, 0.5)

            def go(
                t: float, p: Any = puff, s: Array = side, offset: float = lag, w: float = spin
            ) -> None:
                age = (t + offset) % life
                if not born <= t - age <= dies:
                    p.scale = (0, 0, 0)
                    return
                x = age / life
                radius = size[0] + (size[1] - size[0]) * x**0.7
                fade = min(1.0, 8 * x) * min(1.0, 5 * (1 - x))
                p.scale = (radius * fade, radius * fade, radius * fade)
                p.location = (
                    at[0] + (drift[0] * x + s[0] * 0.25 * x) * life,
                    at[1] + (drift[1] * x + s[1] * 0.25 * x) * life,
                    at[2] + rise * life * (x**0.85),
                )
                p.rotation_euler = (w * age, w * 0.7 * age, w * 1.3 * age + offset)

            self.movers.append(go)

    def every_frame(self, mover: Mover) -> None:
        self.movers.append(mover)

    def move_to(self, t: float) -> None:
        for mover in self.movers:
            mover(t)

    def look(self, eye: Point, target: Point, lens: float, roll: float = 0.0) -> None:
        """Point the camera; `lens` in millimetres on a 36 mm wide sensor."""
        aim = (Vector(target) - Vector(eye)).to_track_quat("-Z", "Y").to_matrix().to_4x4()
        self.camera.matrix_world = Matrix.Translation(eye) @ aim @ Matrix.Rotation(roll, 4, "Z")
        self.camera.data.lens = lens
        self.camera.data.clip_end = 5000


def _slider(mapping: Any, drift: Point, factor: float) -> Mover:
    def slide(t: float) -> None:
        offset = mapping.inputs["Location"].default_value
        for axis in range(3):
            offset[axis] = drift[axis] * t * factor

    return slide


def wobble(t: float, seed: float, size: float = 1.0, pace: float = 1.0) -> float:
    """Smooth aimless motion around 0, about ±size: hands, waves, wind."""
    return size * (
        0.5 * math.sin(pace * 1.1 * t + seed)
        + 0.3 * math.sin(pace * 2.3 * t + 1.7 * seed + 1.0)
        + 0.2 * math.sin(pace * 3.9 * t + 2.3 * seed + 2.0)
    )


def hills(scale: float, height: float, seed: int) -> Callable[[Array, Array], Array]:
    """Smooth random relief: a height function for `Stage.ground`."""
    rng = np.random.default_rng(seed)
    waves = [
        (rng.normal(size=2) * 2**octave / scale, rng.uniform(0, 6.28), 0.55**octave)
        for octave in range(5)
        for _ in range(3)
    ]

    def relief(x: Array, y: Array) -> Array:
        total = sum(
            weight * np.sin(direction[0] * x + direction[1] * y + phase)
            for direction, phase, weight in waves
        )
        return np.asarray(height * total / 3, dtype=np.float32)

    return relief
