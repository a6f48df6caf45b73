/*{
  "DESCRIPTION": "Into a fragment and into what it carries: the picture opens from the inside, at every depth the same picture again, a little older. Zooming in is going down in lineage.",
  "EXAMPLE": "dreamed.descend(speed=0.2)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "speed", "TYPE": "float", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.12, "LABEL": "depths a second"},
    {"NAME": "ratio", "TYPE": "float", "MIN": 1.5, "MAX": 8.0, "DEFAULT": 3.0, "LABEL": "of a picture to the one inside it"},
    {"NAME": "center", "TYPE": "point2D", "MIN": [0.2, 0.2], "MAX": [0.8, 0.8], "DEFAULT": [0.5, 0.5], "LABEL": "where it opens, from the lower left"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

vec3 depth(vec2 q, float scale) {
    return IMG_NORM_PIXEL(inputImage, 1.0 - abs(1.0 - abs(q / scale + center))).rgb;
}

void main() {
    vec2 q = isf_FragNormCoord - center;
    float way = fract(TIME * speed), outer = pow(ratio, way), inner = outer / ratio;
    vec2 r = abs(q) / (inner * 0.5);                       // where the inner picture ends
    float inside = 1.0 - smoothstep(0.55, 1.0, max(r.x, r.y));
    vec2 s = r * ratio;
    float core = 1.0 - smoothstep(0.55, 1.0, max(s.x, s.y));
    vec3 c = mix(depth(q, outer), depth(q, inner), inside);
    gl_FragColor = vec4(mix(c, depth(q, inner / ratio), core * smoothstep(0.3, 1.0, way)), 1.0);
}
