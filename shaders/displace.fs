/*{
  "DESCRIPTION": "One picture pushes another aside: by its light, or, alone, by the way the mind's picture moves.",
  "EXAMPLE": "dreamed.displace(dreamed, amount=0.8, slope=True)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "motion", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": -4.0, "MAX": 4.0, "DEFAULT": 1.5, "LABEL": "of the motion, or of the light's slope"},
    {"NAME": "slope", "TYPE": "bool", "DEFAULT": false, "LABEL": "read the second picture as hills instead of as motion"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

float height(vec2 p) { return dot(IMG_NORM_PIXEL(motion, p).rgb, vec3(0.333)); }

void main() {
    vec2 p = isf_FragNormCoord, d;
    if (slope) {
        vec2 e = 3.0 / IMG_SIZE(motion);
        d = 0.1 * vec2(height(p + vec2(e.x, 0.0)) - height(p - vec2(e.x, 0.0)), height(p + vec2(0.0, e.y)) - height(p - vec2(0.0, e.y)));
    } else {
        d = IMG_NORM_PIXEL(motion, p).xy;
    }
    gl_FragColor = vec4(IMG_NORM_PIXEL(inputImage, 1.0 - abs(1.0 - abs(p - d * amount))).rgb, 1.0);
}
