/*{
  "DESCRIPTION": "The picture as a culture: two substances feed on its light and grow spots, worms and shores of their own (Gray and Scott; P. Gray, S. K. Scott, Chem. Eng. Sci. 39, 1984). What the machine makes of a memory when nobody asks.",
  "EXAMPLE": "dreamed.reaction(amount=0.8)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Growth"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.7, "LABEL": "how much of the growth is seen"},
    {"NAME": "feed", "TYPE": "float", "MIN": 0.01, "MAX": 0.08, "DEFAULT": 0.030, "LABEL": "how fast the one is fed"},
    {"NAME": "kill", "TYPE": "float", "MIN": 0.04, "MAX": 0.07, "DEFAULT": 0.0570, "LABEL": "how fast the other dies"},
    {"NAME": "seed", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5, "LABEL": "how much the picture's edges sow"}
  ],
  "PASSES": [
    {"TARGET": "culture", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 3)", "HEIGHT": "floor($HEIGHT / 3)"},
    {"TARGET": "culture", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 3)", "HEIGHT": "floor($HEIGHT / 3)"},
    {"TARGET": "culture", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 3)", "HEIGHT": "floor($HEIGHT / 3)"},
    {"TARGET": "culture", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 3)", "HEIGHT": "floor($HEIGHT / 3)"},
    {"FLOAT": true}
  ]
}*/

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float light(vec2 p) { return dot(IMG_NORM_PIXEL(inputImage, p).rgb, vec3(0.299, 0.587, 0.114)); }

void main() {
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX < 4) {
        vec2 e = 1.0 / RENDERSIZE, c = IMG_NORM_PIXEL(culture, p).xy;
        float y = light(p), edge = abs(light(p + vec2(3.0 * e.x, 0.0)) - y) + abs(light(p + vec2(0.0, 3.0 * e.y)) - y);
        if (FRAMEINDEX == 0 && PASSINDEX == 0) {
            gl_FragColor = vec4(1.0, step(0.93, hash(floor(p * RENDERSIZE / 4.0))) * 0.5, 0.0, 1.0);
            return;
        }
        vec2 around = -c;
        for (int i = 0; i < 4; i++) {
            vec2 o = i == 0 ? vec2(1, 0) : i == 1 ? vec2(-1, 0) : i == 2 ? vec2(0, 1) : vec2(0, -1);
            around += 0.2 * IMG_NORM_PIXEL(culture, p + o * e).xy;
            around += 0.05 * IMG_NORM_PIXEL(culture, p + (o + o.yx * vec2(1, -1)) * e).xy;
        }
        float k = kill + 0.003 * (0.5 - y), eaten = c.x * c.y * c.y;
        c += vec2(1.0, 0.5) * around + vec2(feed * (1.0 - c.x) - eaten, eaten - (feed + k) * c.y);
        float sown = hash(floor(p * RENDERSIZE / 4.0) + floor(TIME * 6.0) * 7.0);
        c.y = max(c.y, 0.5 * step(1.0 - 0.004 * seed * smoothstep(0.01, 0.15, edge + 0.05 * y), sown));
        gl_FragColor = vec4(clamp(c, 0.0, 1.0), 0.0, 1.0);
    } else {
        vec3 c = IMG_THIS_PIXEL(inputImage).rgb;
        float grown = smoothstep(0.10, 0.26, IMG_NORM_PIXEL(culture, p).y);
        vec3 alive = mix(c * 0.45, c * 1.25 + 0.06, grown);
        gl_FragColor = vec4(mix(c, alive, amount), 1.0);
    }
}
