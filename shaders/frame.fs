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

// Catmull-Rom in five taps of linear interpolation (the four corners weigh almost nothing; after J. Jimenez, "Filmic SMAA",
// SIGGRAPH 2016): what is painted stays as crisp on the wall as in the picture, at twice its size and more.
vec3 smoothly(vec2 p) {
    vec2 size = IMG_SIZE(inputImage), q = p * size, c = floor(q - 0.5) + 0.5, f = q - c;
    vec2 before = f * (-0.5 + f * (1.0 - 0.5 * f)), after = f * f * (-0.5 + 0.5 * f);
    vec2 here = 1.0 + f * f * (-2.5 + 1.5 * f), next = f * (0.5 + f * (2.0 - 1.5 * f)), both = here + next;
    vec2 low = (c - 1.0) / size, middle = (c + next / both) / size, high = (c + 2.0) / size;
    vec4 weights = vec4(both.x * before.y, before.x * both.y, after.x * both.y, both.x * after.y);
    vec3 found = IMG_NORM_PIXEL(inputImage, middle).rgb * both.x * both.y
        + IMG_NORM_PIXEL(inputImage, vec2(middle.x, low.y)).rgb * weights.x
        + IMG_NORM_PIXEL(inputImage, vec2(low.x, middle.y)).rgb * weights.y
        + IMG_NORM_PIXEL(inputImage, vec2(high.x, middle.y)).rgb * weights.z
        + IMG_NORM_PIXEL(inputImage, vec2(middle.x, high.y)).rgb * weights.w;
    return max(found / (both.x * both.y + dot(weights, vec4(1.0))), 0.0);
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
