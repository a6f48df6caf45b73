/*{
  "DESCRIPTION": "The last hand on the light: how bright, how deep, how coloured. Adds half a step of noise so that dark skies show no bands.",
  "EXAMPLE": "dreamed.grade(light=0.8, warmth=0.2)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Color"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "light", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0, "LABEL": "0 dark .. 1 as it is: a picture that adds nothing goes dark"},
    {"NAME": "exposure", "TYPE": "float", "MIN": -2.0, "MAX": 2.0, "DEFAULT": 0.0, "LABEL": "stops"},
    {"NAME": "contrast", "TYPE": "float", "MIN": 0.5, "MAX": 2.0, "DEFAULT": 1.08, "LABEL": "1 as it is"},
    {"NAME": "saturation", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 1.06, "LABEL": "0 grey .. 1 as it is"},
    {"NAME": "warmth", "TYPE": "float", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "-1 blue .. 1 amber"}
  ]
}*/

// Noise whose neighbours differ as much as they can, so that its mean over a few pixels is even (J. Jimenez, "Next
// generation post processing in Call of Duty", SIGGRAPH 2014).
float even(vec2 pixel) { return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715)))); }

void main() {
    vec3 c = IMG_THIS_PIXEL(inputImage).rgb * (exp2(exposure) * mix(0.04, 1.0, light * light));
    float y = dot(c, vec3(0.2126, 0.7152, 0.0722));
    c = mix(vec3(y), c, saturation * mix(0.5, 1.0, light)) * vec3(1.0 + 0.12 * warmth, 1.0, 1.0 - 0.12 * warmth);
    c = (c - 0.4) * contrast + 0.4;
    vec3 over = max(c - 0.8, 0.0);
    c = min(c, 0.8) + over / (1.0 + 5.0 * over);  // lights roll off towards one instead of being cut
    c += (even(gl_FragCoord.xy + 5.588238 * float(FRAMEINDEX & 63)) - 0.5) / 255.0;
    gl_FragColor = vec4(c, 1.0);
}
