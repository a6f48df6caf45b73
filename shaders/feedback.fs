/*{
  "DESCRIPTION": "Light that does not leave at once: the wall keeps what it has shown and lets it drift, turn and fade.",
  "EXAMPLE": "dreamed.feedback(trail=0.93)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "trail", "TYPE": "float", "MIN": 0.0, "MAX": 0.99, "DEFAULT": 0.88, "LABEL": "how slowly light fades, for each thirtieth of a second"},
    {"NAME": "zoom", "TYPE": "float", "MIN": 0.95, "MAX": 1.05, "DEFAULT": 1.004, "LABEL": "growth of what stays, for each thirtieth of a second"},
    {"NAME": "turn", "TYPE": "float", "MIN": -0.05, "MAX": 0.05, "DEFAULT": 0.0006, "LABEL": "radians for each thirtieth of a second"},
    {"NAME": "glow", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.4, "LABEL": "0: old and new are averaged; 1: the lighter wins"}
  ],
  "PASSES": [{"TARGET": "past", "PERSISTENT": true, "FLOAT": true}]
}*/

void main() {
    // What is the same for every pixel is kept simple: without a GPU each of these is computed 230,400 times a frame.
    float steps = clamp(TIMEDELTA * 30.0, 0.0, 4.0), keep = FRAMEINDEX == 0 ? 0.0 : pow(trail, max(steps, 0.001));
    float aspect = RENDERSIZE.x / RENDERSIZE.y, angle = turn * steps, shrink = 1.0 - (zoom - 1.0) * steps;
    vec2 q = (isf_FragNormCoord - 0.5) * shrink;
    vec3 old = IMG_NORM_PIXEL(past, q + vec2(q.y / aspect, -q.x * aspect) * angle + 0.5).rgb * keep;
    vec3 new = IMG_THIS_PIXEL(inputImage).rgb;
    gl_FragColor = vec4(mix(old + new * (1.0 - keep), max(new, old), glow), 1.0);
}
