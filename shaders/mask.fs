/*{
  "DESCRIPTION": "Shows a picture only where another one is light: through a door, a word, a face. Alone, it shows itself through a slowly breathing opening.",
  "EXAMPLE": "dreamed.mask(size=0.5)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Mask"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "stencil", "TYPE": "image"},
    {"NAME": "size", "TYPE": "float", "MIN": 0.0, "MAX": 1.5, "DEFAULT": 0.62, "LABEL": "of the opening, heights of the wall"},
    {"NAME": "softness", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.35, "LABEL": "how soft its edge is"},
    {"NAME": "inside", "TYPE": "bool", "DEFAULT": true, "LABEL": "whether the inside is seen, or the outside"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

void main() {
    vec2 p = isf_FragNormCoord, q = (p - 0.5) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    float open;
    if (IMG_SIZE(stencil).x > 1.0) {
        open = smoothstep(0.5 - softness * 0.5, 0.5 + softness * 0.5 + 0.001, dot(IMG_NORM_PIXEL(stencil, p).rgb, vec3(0.333)));
    } else {
        float a = atan(q.y, q.x), r = size * (1.0 + 0.07 * sin(3.0 * a + TIME * 0.31) + 0.05 * sin(5.0 * a - TIME * 0.23));
        open = 1.0 - smoothstep(r - softness * 0.5, r + softness * 0.5 + 0.001, length(q) * 1.15);
    }
    gl_FragColor = vec4(IMG_THIS_PIXEL(inputImage).rgb * (inside ? open : 1.0 - open), 1.0);
}
