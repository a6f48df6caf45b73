/*{
  "DESCRIPTION": "Light that does not leave at once: the wall keeps what it has shown and lets it drift, turn and fade.",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "trail", "TYPE": "float", "MIN": 0.0, "MAX": 0.99, "DEFAULT": 0.9, "LABEL": "how slowly light fades, for each thirtieth of a second"},
    {"NAME": "zoom", "TYPE": "float", "MIN": 0.95, "MAX": 1.05, "DEFAULT": 1.004, "LABEL": "growth of what stays, for each thirtieth of a second"},
    {"NAME": "turn", "TYPE": "float", "MIN": -0.05, "MAX": 0.05, "DEFAULT": 0.0006, "LABEL": "radians for each thirtieth of a second"},
    {"NAME": "glow", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.35, "LABEL": "0: old and new are averaged; 1: the lighter wins"}
  ],
  "PASSES": [{"TARGET": "past", "PERSISTENT": true, "FLOAT": true}]
}*/

void main() {
    float steps = clamp(TIMEDELTA * 30.0, 0.0, 4.0), keep = FRAMEINDEX == 0 ? 0.0 : pow(trail, max(steps, 0.001));
    vec2 aspect = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0), q = (isf_FragNormCoord - 0.5) * aspect;
    float angle = turn * steps;
    q = mat2(cos(angle), sin(angle), -sin(angle), cos(angle)) * q / pow(zoom, steps);
    vec3 new = IMG_THIS_PIXEL(inputImage).rgb, old = IMG_NORM_PIXEL(past, q / aspect + 0.5).rgb;
    vec3 mean = mix(new, old, keep), lighter = max(new, old * keep);
    gl_FragColor = vec4(mix(mean, lighter, glow), 1.0);
}
