/*{
  "DESCRIPTION": "The picture as wallpaper: one motif, printed side by side in the five agreeable colours of a waiting room, gliding by for ever. A rupture lets go of the pattern: it pales, the motif grows until it is the wall, and gets its own colours back.",
  "EXAMPLE": "dreamed.wallpaper(repeats=4.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Pattern"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "repeats", "TYPE": "float", "MIN": 1.0, "MAX": 12.0, "DEFAULT": 4.0, "LABEL": "motifs over the height"},
    {"NAME": "flat_", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0, "LABEL": "0: the picture's own colours; 1: printed in five"},
    {"NAME": "rupture", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "0: the pattern; 1: one picture, which fills the wall"},
    {"NAME": "glide", "TYPE": "float", "MIN": -0.3, "MAX": 0.3, "DEFAULT": 0.02, "LABEL": "heights of the wall a second"}
  ],
  "PASSES": [
    {"TARGET": "usual", "PERSISTENT": true, "FLOAT": true, "WIDTH": 1, "HEIGHT": 1},
    {"TARGET": "motif", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 2)", "HEIGHT": "floor($HEIGHT / 2)"},
    {"FLOAT": true}
  ]
}*/

const vec3 INK[5] = vec3[5](
    vec3(0.16, 0.38, 0.42), vec3(0.45, 0.66, 0.63), vec3(0.90, 0.62, 0.53), vec3(0.97, 0.81, 0.68), vec3(0.98, 0.94, 0.85));

float light(vec2 p) { return dot(IMG_NORM_PIXEL(inputImage, p).rgb, vec3(0.35, 0.5, 0.15)); }

void main() {
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX == 0) {  // how light the picture is, and how much it varies: printing wants all five inks
        float s = 0.0, s2 = 0.0;
        for (int k = 0; k < 144; k++) {
            float y = light((vec2(k % 12, k / 12) + 0.5) / 12.0);
            s += y;
            s2 += y * y;
        }
        vec2 now = vec2(s / 144.0, sqrt(max(s2 / 144.0 - s * s / 20736.0, 0.0004)));
        gl_FragColor = vec4(FRAMEINDEX == 0 ? now : mix(IMG_NORM_PIXEL(usual, vec2(0.5)).rg, now, 1.0 - exp(-TIMEDELTA)), 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 1) {  // a motif has smooth outlines, and changes so slowly that nobody is disturbed
        vec2 e = 2.0 / RENDERSIZE;
        float s = 0.0;
        for (int k = 0; k < 9; k++) s += light(p + (vec2(k % 3, k / 3) - 1.0) * e);
        gl_FragColor = vec4(FRAMEINDEX == 0 ? s / 9.0 : mix(IMG_NORM_PIXEL(motif, p).r, s / 9.0, 1.0 - exp(-1.2 * TIMEDELTA)));
        return;
    }
    float aspect = RENDERSIZE.x / RENDERSIZE.y, n = mix(repeats, 0.62, smoothstep(0.0, 1.0, rupture));
    vec2 q = (p - 0.5) * vec2(aspect, 1.0) * n;
    q.x += TIME * glide * repeats * (1.0 - rupture);
    q.y += 0.5 * abs(1.0 - mod(q.x + 0.5, 2.0)) * (1.0 - rupture);     // a herringbone: no seams there either
    vec2 m = 1.0 - abs(1.0 - mod(q + 0.5, 2.0));                        // each motif the mirror of the next: no seams
    vec2 usually = IMG_NORM_PIXEL(usual, vec2(0.5)).rg, at = mix(vec2(0.08), vec2(0.92), m);
    float y = clamp(2.4 + 1.35 * (IMG_NORM_PIXEL(motif, at).r - usually.x) / usually.y, 0.0, 4.99), ink = floor(y);
    float edge = clamp(1.2 * fwidth(y), 0.02, 0.5);
    int i = int(ink), j = min(i + 1, 4);
    vec3 printed = mix(INK[i], INK[j], smoothstep(1.0 - edge, 1.0, y - ink));
    vec3 whole = IMG_NORM_PIXEL(inputImage, mix(at, vec2(p.x, 0.5 + 0.66 * (p.y - 0.5)), smoothstep(0.3, 1.0, rupture))).rgb;
    vec3 c = mix(whole * 1.3, printed, flat_ * (1.0 - smoothstep(0.3, 0.7, rupture)));
    float veil = smoothstep(0.03, 0.25, rupture) * (1.0 - smoothstep(0.65, 0.97, rupture));  // what sweeps past must not flicker
    gl_FragColor = vec4(mix(c, INK[3], 0.85 * veil), 1.0);
}
