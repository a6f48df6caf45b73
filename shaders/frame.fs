/*{
  "DESCRIPTION": "Puts the picture of the mind on the wall, whatever their shapes: it covers the wall and drifts slowly inside what is cut.",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "zoom", "TYPE": "float", "MIN": 0.5, "MAX": 4.0, "DEFAULT": 1.04},
    {"NAME": "wander", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6, "LABEL": "how far it drifts within what is cut away"}
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
    vec2 size = IMG_SIZE(inputImage);
    float wall = RENDERSIZE.x / RENDERSIZE.y, picture = size.x / size.y;
    vec2 seen = (wall > picture ? vec2(1.0, picture / wall) : vec2(wall / picture, 1.0)) / zoom;
    vec2 spare = 0.5 * (1.0 - seen) * wander;
    vec2 center = 0.5 + spare * vec2(sin(TIME * 0.071), sin(TIME * 0.053 + 1.0));
    gl_FragColor = vec4(smoothly(center + (isf_FragNormCoord - 0.5) * seen), 1.0);
}
