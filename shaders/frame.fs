/*{
  "DESCRIPTION": "Puts the picture of the mind on the wall, whatever their shapes. A square is cut a little above and below, wanders slowly within what is cut, and is opened towards the sides like a gesture: things in the middle keep their form, skies and seas give way. No bars, no mirror, nothing lost on the sides.",
  "EXAMPLE": "dreamed.frame(zoom=1.6)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "zoom", "TYPE": "float", "MIN": 0.5, "MAX": 4.0, "DEFAULT": 1.25, "LABEL": "how much of the height is cut, where the wall is wider than the picture"},
    {"NAME": "opening", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5, "LABEL": "0: stretched evenly; 1: only the sides give way"},
    {"NAME": "wander", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.7, "LABEL": "how far it moves within what is cut"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

// One tap with the corners of linear interpolation rounded off (after I. Quilez, "improved texture interpolation"):
// crisper than a cubic spline up to four times the size, at a third of its cost, which counts where there is no GPU.
vec3 smoothly(vec2 p) {
    vec2 size = IMG_SIZE(inputImage), q = p * size + 0.5, i = floor(q), f = q - i;
    f = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    return IMG_NORM_PIXEL(inputImage, (i + f - 0.5) / size).rgb;
}

// 0..1 there and back, slowing down at both ends: cheaper than a sine, which would be computed for every pixel.
vec2 sway(vec2 turns) {
    vec2 x = abs(fract(turns) * 2.0 - 1.0);
    return x * x * (3.0 - 2.0 * x);
}

void main() {
    vec2 size = IMG_SIZE(inputImage), p = 2.0 * isf_FragNormCoord - 1.0;
    float wider = RENDERSIZE.x / RENDERSIZE.y * size.y / size.x;      // wall against picture
    vec2 seen = wider > 1.0 ? vec2(1.0, 1.0 / min(zoom, wider)) : vec2(wider, 1.0) / max(1.0, 0.8 * zoom);
    float middle = mix(1.0, max(1.0, wider * seen.y), opening);        // slope in the middle: as wide as it is high
    p.x *= middle - (middle - 1.0) * p.x * p.x;                        // and still from edge to edge
    vec2 center = (1.0 - seen) * wander * (2.0 * sway(TIME * vec2(0.0113, 0.0084) + vec2(0.25, 0.09)) - 1.0);
    gl_FragColor = vec4(smoothly(0.5 + 0.5 * (center + p * seen)), 1.0);
}
