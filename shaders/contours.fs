/*{
  "DESCRIPTION": "The frames before the picture: lines of equal light, as on a map of the sea, drawn in the dark. Frame within frame they stand at other levels; what they outline is hardly there.",
  "EXAMPLE": "dreamed.contours(levels=7.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Drawing"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "levels", "TYPE": "float", "MIN": 2.0, "MAX": 24.0, "DEFAULT": 8.0, "LABEL": "lines from black to white"},
    {"NAME": "frames", "TYPE": "float", "MIN": 1.0, "MAX": 6.0, "DEFAULT": 3.0, "LABEL": "frames, one within the other"},
    {"NAME": "rise", "TYPE": "float", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.06, "LABEL": "levels a second by which the lines wander"},
    {"NAME": "ghost", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.10, "LABEL": "how much of the picture itself is seen"}
  ],
  "PASSES": [
    {"TARGET": "broad", "FLOAT": true, "WIDTH": "floor($WIDTH / 4)", "HEIGHT": "floor($HEIGHT / 4)"},
    {"TARGET": "usual", "PERSISTENT": true, "FLOAT": true, "WIDTH": 1, "HEIGHT": 1},
    {"TARGET": "relief", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 4)", "HEIGHT": "floor($HEIGHT / 4)"},
    {"FLOAT": true}
  ]
}*/

float light(vec2 p) { return dot(IMG_NORM_PIXEL(inputImage, p).rgb, vec3(0.299, 0.587, 0.114)); }

float around(sampler2D field, vec2 p, vec2 e) {
    float s = 0.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) s += texture(field, p + vec2(i, j) * e).r;
    return s / 9.0;
}

void main() {
    vec2 p = isf_FragNormCoord, e = 1.0 / RENDERSIZE;
    if (PASSINDEX == 0) {
        float s = 0.0;
        for (int i = 0; i < 4; i++) s += light(p + (vec2(i & 1, i >> 1) - 0.5) * 1.2 * e);
        gl_FragColor = vec4(s * 0.25);
        return;
    }
    if (PASSINDEX == 1) {  // how light it is on the whole, and how much it varies: lines are wanted everywhere
        float s = 0.0, s2 = 0.0;
        for (int k = 0; k < 144; k++) {
            float y = texture(broad, (vec2(k % 12, k / 12) + 0.5) / 12.0).r;
            s += y;
            s2 += y * y;
        }
        vec2 now = vec2(s / 144.0, sqrt(max(s2 / 144.0 - s * s / 20736.0, 0.0004)));
        gl_FragColor = vec4(FRAMEINDEX == 0 ? now : mix(IMG_NORM_PIXEL(usual, vec2(0.5)).rg, now, 1.0 - exp(-0.5 * TIMEDELTA)), 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 2) {  // the relief rises and sinks within seconds, and is smooth
        float was = IMG_NORM_PIXEL(relief, p).r, now = around(broad, p, 2.0 * e);
        gl_FragColor = vec4(FRAMEINDEX == 0 ? now : mix(was, now, 1.0 - exp(-1.2 * TIMEDELTA)));
        return;
    }
    vec2 q = abs(p - 0.5) * 2.0;
    float out_ = max(q.x, q.y), which = floor(out_ * frames), inner = fract(out_ * frames);
    float n = levels * (1.0 + 0.6 * (frames - 1.0 - which) / frames);
    vec2 usually = IMG_NORM_PIXEL(usual, vec2(0.5)).rg;
    vec2 f = 0.5 / IMG_SIZE(relief);                                            // four looks between texels: lines without corners
    float here = 0.25 * (IMG_NORM_PIXEL(relief, p + f).r + IMG_NORM_PIXEL(relief, p - f).r + IMG_NORM_PIXEL(relief, p + f * vec2(1, -1)).r + IMG_NORM_PIXEL(relief, p - f * vec2(1, -1)).r);
    float high = (here - usually.x) / usually.y;
    float h = 0.35 * n * high + TIME * rise * (mod(which, 2.0) < 0.5 ? 1.0 : -1.0) + 0.33 * which + 40.0;
    vec2 slope = vec2(dFdx(h), dFdy(h));
    float steep = max(length(slope), 0.004), off = abs(fract(h) - 0.5) / steep;
    float line = (1.0 - smoothstep(0.35, 1.35, off)) * smoothstep(0.004, 0.02, steep);
    float main_ = mod(floor(h), 4.0) < 0.5 ? 1.0 : 0.42;
    float rim = min(inner, 1.0 - inner) / frames * 0.5 * RENDERSIZE.y;         // pixels to the next frame, about
    float edge = (which < 0.5 && inner < 0.5) || frames < 1.5 ? 0.0 : 1.0 - smoothstep(0.3, 1.1, rim);
    vec3 c = mix(vec3(0.006, 0.010, 0.030), vec3(0.020, 0.040, 0.110), clamp(0.5 + 0.3 * high, 0.0, 1.0)) * (1.3 - 0.5 * out_);
    c += ghost * vec3(0.35, 0.55, 1.0) * light(p) * (1.0 - 0.6 * which / frames);
    c += line * main_ * mix(vec3(0.22, 0.42, 0.90), vec3(0.92, 0.95, 1.0), main_) * (1.0 - 0.18 * which);
    gl_FragColor = vec4(c + edge * vec3(0.06, 0.10, 0.20), 1.0);
}
