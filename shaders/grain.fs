/*{
  "DESCRIPTION": "The sound, seen: the picture breaks into grains whose sizes are the pitches that sound now, low ones large, high ones fine. In silence there is none.",
  "EXAMPLE": "dreamed.grain(amount=1.2)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Sound"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "spectrum", "TYPE": "audioFFT"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 0.8, "LABEL": "how strong"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

vec2 hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.xx + q.yz) * q.zy);
}

void main() {
    vec2 p = isf_FragNormCoord, aspect = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0), d = vec2(0.0);
    float spark = 0.0, beat = floor(TIME * 15.0);
    for (int i = 0; i < 4; i++) {  // four bands, each an octave and a half above the last
        float band = IMG_NORM_PIXEL(spectrum, vec2(0.01 + 0.02 * exp2(1.5 * float(i)), 0.25)).r * amount;
        float cells = 9.0 * exp2(1.2 * float(i));
        vec2 r = hash(floor(p * aspect * cells) + 17.0 * beat + 101.0 * float(i)) - 0.5;
        d += r * band * 1.1 / cells;
        spark += r.x * band * 0.35;
    }
    vec3 c = IMG_NORM_PIXEL(inputImage, p + d / aspect).rgb;
    gl_FragColor = vec4(c * (1.0 + spark) + max(0.0, spark) * 0.08, 1.0);
}
