/*{
  "DESCRIPTION": "The old picture is carried along by the movement of the new one and only slowly remembers what it should be: a memory that has kept the gesture and lost the thing. It lets go in islands.",
  "EXAMPLE": "dreamed.mosh(hold=0.5, pull=0.2)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "motion", "TYPE": "image"},
    {"NAME": "hold", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6, "LABEL": "how much of the wall stays with the old"},
    {"NAME": "pull", "TYPE": "float", "MIN": 0.0, "MAX": 3.0, "DEFAULT": 0.3, "LABEL": "how strongly movement carries it"}
  ],
  "PASSES": [{"TARGET": "carried", "PERSISTENT": true, "FLOAT": true}]
}*/

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float noise(vec2 p) {
    vec2 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}

// Averaging old and new would end in grey. Instead islands of the new break through, wander, and close again.
void main() {
    vec2 p = isf_FragNormCoord, q = p * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    float steps = clamp(TIMEDELTA * 30.0, 0.0, 4.0);
    vec3 m = IMG_NORM_PIXEL(motion, p).xyz;
    vec3 new = IMG_THIS_PIXEL(inputImage).rgb;
    vec3 old = IMG_NORM_PIXEL(carried, p - m.xy * pull * steps).rgb;
    float island = 0.65 * noise(q * 4.0 + vec2(TIME * 0.31, TIME * 0.17)) + 0.35 * noise(q * 11.0 - TIME * 0.4);
    float come = 0.30 * smoothstep(0.0, 0.12, island - 0.25 - 0.55 * hold) + 0.06 * smoothstep(0.25, 0.0, length(new - old));
    gl_FragColor = vec4(FRAMEINDEX == 0 ? new : mix(old, new, min(1.0, come * steps)), 1.0);
}
