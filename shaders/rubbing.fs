/*{
  "DESCRIPTION": "A rubbing on paper, as children take one of a coin: what departs from grey in the picture leaves chalk on the grain of the paper, black where it is darker, red where it is lighter. What does not depart leaves the paper as it is.",
  "EXAMPLE": "dreamed.rubbing(pressure=2.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Drawing"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "pressure", "TYPE": "float", "MIN": 0.0, "MAX": 12.0, "DEFAULT": 4.0, "LABEL": "how hard it is rubbed"},
    {"NAME": "paper", "TYPE": "float", "MIN": 0.2, "MAX": 1.0, "DEFAULT": 0.74, "LABEL": "how bright the paper is"}
  ],
  "PASSES": [
    {"TARGET": "sheet", "PERSISTENT": true, "FLOAT": true},
    {"FLOAT": true}
  ]
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

void main() {
    vec2 p = isf_FragNormCoord, q = p * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    if (PASSINDEX == 0) {  // the sheet is made once: laid paper, its grain and its fibres
        if (FRAMEINDEX > 0) {
            gl_FragColor = IMG_THIS_PIXEL(sheet);
            return;
        }
        float grain = 0.5 * noise(q * 210.0) + 0.3 * noise(q * 90.0 + 7.0) + 0.2 * noise(q * vec2(24.0, 300.0) + 3.0);
        float cloud = noise(q * 3.0 + 11.0) * 0.6 + noise(q * 9.0 + 5.0) * 0.4;
        gl_FragColor = vec4(grain, cloud, 0.0, 1.0);
        return;
    }
    vec2 s = IMG_THIS_PIXEL(sheet).rg;
    vec3 r = (IMG_THIS_PIXEL(inputImage).rgb - 0.502) * pressure;
    float y = dot(r, vec3(0.299, 0.587, 0.114)), colour = length(r - y);
    float black = max(-y, 0.0) + 0.35 * colour, red = max(y, 0.0);
    // Chalk holds where the grain stands up: little of it on the peaks, much of it nearly everywhere.
    float peaks = s.x * 1.1;
    black = smoothstep(peaks - 0.28, peaks + 0.30, black) * smoothstep(0.01, 0.09, black);
    red = smoothstep(peaks - 0.20, peaks + 0.45, red) * smoothstep(0.01, 0.09, red);
    vec3 c = paper * vec3(1.0, 0.965, 0.90) * (0.93 + 0.07 * s.y + 0.05 * (s.x - 0.5));
    c = mix(c, vec3(0.55, 0.22, 0.14), 0.60 * red);
    c = mix(c, vec3(0.085, 0.08, 0.085), 0.92 * black);
    gl_FragColor = vec4(c, 1.0);
}
