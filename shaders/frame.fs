/*{
  "DESCRIPTION": "Puts the picture of the mind on the wall, whatever their shapes. A square is cut a little above and below, wanders slowly within what is cut, and is opened towards the sides like a gesture: things in the middle keep their form, skies and seas give way. No bars, no mirror, nothing lost on the sides.",
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

// Cubic B-spline from four linear taps (Sigg and Hadwiger, GPU Gems 2, chapter 20): 256 pixels on a wall without squares.
vec3 smoothly(vec2 p) {
    vec2 size = IMG_SIZE(inputImage), q = p * size - 0.5, f = fract(q), i = q - f;
    vec2 f2 = f * f, f3 = f2 * f;
    vec2 w0 = (1.0 - f) * (1.0 - f) * (1.0 - f) / 6.0, w1 = (4.0 - 6.0 * f2 + 3.0 * f3) / 6.0;
    vec2 w3 = f3 / 6.0, w2 = 1.0 - w0 - w1 - w3, g0 = w0 + w1, g1 = w2 + w3;
    vec2 h0 = (i + w1 / g0 - 0.5) / size, h1 = (i + w3 / g1 + 1.5) / size;
    return (IMG_NORM_PIXEL(inputImage, h0).rgb * g0.x + IMG_NORM_PIXEL(inputImage, vec2(h1.x, h0.y)).rgb * g1.x) * g0.y
         + (IMG_NORM_PIXEL(inputImage, vec2(h0.x, h1.y)).rgb * g0.x + IMG_NORM_PIXEL(inputImage, h1).rgb * g1.x) * g1.y;
}

void main() {
    vec2 size = IMG_SIZE(inputImage), p = 2.0 * isf_FragNormCoord - 1.0;
    float wider = RENDERSIZE.x / RENDERSIZE.y * size.y / size.x;      // wall against picture
    vec2 seen = wider > 1.0 ? vec2(1.0, 1.0 / min(zoom, wider)) : vec2(wider, 1.0) / max(1.0, 0.8 * zoom);
    float middle = mix(1.0, max(1.0, wider * seen.y), opening);        // slope in the middle: as wide as it is high
    p.x *= middle - (middle - 1.0) * p.x * p.x;                        // and still from edge to edge
    vec2 center = (1.0 - seen) * wander * vec2(sin(TIME * 0.071), sin(TIME * 0.053 + 1.0));
    gl_FragColor = vec4(smoothly(0.5 + 0.5 * (center + p * seen)), 1.0);
}
