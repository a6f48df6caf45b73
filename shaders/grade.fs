/*{
  "DESCRIPTION": "The last hand on the light: how bright, how deep, how coloured. Adds half a step of noise so that dark skies show no bands.",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Color"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "light", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0, "LABEL": "0 dark .. 1 as it is: a picture that adds nothing goes dark"},
    {"NAME": "exposure", "TYPE": "float", "MIN": -2.0, "MAX": 2.0, "DEFAULT": 0.0, "LABEL": "stops"},
    {"NAME": "contrast", "TYPE": "float", "MIN": 0.5, "MAX": 2.0, "DEFAULT": 1.08},
    {"NAME": "saturation", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 1.06},
    {"NAME": "warmth", "TYPE": "float", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.0}
  ]
}*/

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

void main() {
    vec3 c = IMG_THIS_PIXEL(inputImage).rgb * exp2(exposure) * mix(0.04, 1.0, light * light);
    float y = dot(c, vec3(0.2126, 0.7152, 0.0722));
    c = mix(vec3(y), c, saturation * mix(0.5, 1.0, light));
    c *= 1.0 + warmth * vec3(0.12, 0.0, -0.12);
    c = (c - 0.4) * contrast + 0.4;
    c = mix(c, 1.0 - exp(-2.2 * max(c, 0.0)), smoothstep(0.75, 1.6, max(c.r, max(c.g, c.b))));  // lights roll off
    c += (hash(gl_FragCoord.xy + mod(float(FRAMEINDEX), 61.0) * 13.7) - 0.5) / 255.0;
    gl_FragColor = vec4(clamp(c, 0.0, 1.0), 1.0);
}
