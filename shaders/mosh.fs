/*{
  "DESCRIPTION": "The old picture is carried along by the movement of the new one and only slowly remembers what it should be: a memory that has kept the gesture and lost the thing. It lets go where nothing moves.",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "motion", "TYPE": "image"},
    {"NAME": "hold", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.9, "LABEL": "how long the old stays"},
    {"NAME": "pull", "TYPE": "float", "MIN": 0.0, "MAX": 3.0, "DEFAULT": 0.5, "LABEL": "how strongly movement carries it"}
  ],
  "PASSES": [{"TARGET": "carried", "PERSISTENT": true, "FLOAT": true}]
}*/

void main() {
    vec2 p = isf_FragNormCoord;
    float steps = clamp(TIMEDELTA * 30.0, 0.0, 4.0);
    vec3 m = IMG_NORM_PIXEL(motion, p).xyz;
    vec3 new = IMG_THIS_PIXEL(inputImage).rgb;
    vec3 old = IMG_NORM_PIXEL(carried, p - m.xy * pull * steps).rgb;
    float moving = min(1.0, length(m.xy) * 40.0), like = 1.0 - min(1.0, length(new - old));
    float come = (1.0 - hold) * mix(1.0, 0.15, moving) + 0.02 * like;
    gl_FragColor = vec4(FRAMEINDEX == 0 ? new : mix(old, new, 1.0 - pow(1.0 - clamp(come, 0.0, 1.0), steps)), 1.0);
}
