/*{
  "DESCRIPTION": "Bright things shine into the dark around them, as in an eye that has been in a dark room for a while.",
  "EXAMPLE": "dreamed.bloom(amount=0.9)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Light"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 0.6, "LABEL": "how much light runs over"},
    {"NAME": "threshold", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.55, "LABEL": "how bright a thing must be to shine"},
    {"NAME": "width", "TYPE": "float", "MIN": 0.5, "MAX": 3.0, "DEFAULT": 1.4, "LABEL": "how far it shines"}
  ],
  "PASSES": [
    {"TARGET": "bright", "WIDTH": "floor($WIDTH / 4)", "HEIGHT": "floor($HEIGHT / 4)", "FLOAT": true},
    {"TARGET": "across", "WIDTH": "floor($WIDTH / 8)", "HEIGHT": "floor($HEIGHT / 8)", "FLOAT": true},
    {"TARGET": "round", "WIDTH": "floor($WIDTH / 8)", "HEIGHT": "floor($HEIGHT / 8)", "FLOAT": true},
    {"FLOAT": true}
  ]
}*/

vec3 along(sampler2D picture, vec2 p, vec2 direction) {
    vec3 s = vec3(0.0);
    float all = 0.0;
    for (int i = -4; i <= 4; i++) {
        float w = exp(-float(i * i) / 7.0);
        s += w * texture(picture, p + float(i) * direction).rgb;
        all += w;
    }
    return s / all;
}

void main() {
    vec2 p = isf_FragNormCoord, e = width / RENDERSIZE;
    if (PASSINDEX == 0) {
        vec3 c = IMG_NORM_PIXEL(inputImage, p).rgb;
        gl_FragColor = vec4(c * smoothstep(threshold - 0.2, threshold + 0.3, max(c.r, max(c.g, c.b))), 1.0);
    } else if (PASSINDEX == 1) {
        gl_FragColor = vec4(along(bright, p, vec2(e.x, 0.0)), 1.0);
    } else if (PASSINDEX == 2) {
        gl_FragColor = vec4(along(across, p, vec2(0.0, e.y)), 1.0);
    } else {
        vec3 c = IMG_THIS_PIXEL(inputImage).rgb, b = IMG_NORM_PIXEL(round, p).rgb * amount;
        gl_FragColor = vec4(c + b * (1.0 - clamp(c, 0.0, 1.0) * 0.7), 1.0);
    }
}
