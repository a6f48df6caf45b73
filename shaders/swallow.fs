/*{
  "DESCRIPTION": "A mouth. The picture is torn into crumbs before it is finished, and they go down a hole that wanders: every bite tears loose some more. What nobody bites stays in the dark.",
  "EXAMPLE": "dreamed.swallow(bite=0.8)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "bite", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.4, "LABEL": "how much is torn loose just now"},
    {"NAME": "crumb", "TYPE": "float", "MIN": 10.0, "MAX": 120.0, "DEFAULT": 34.0, "LABEL": "crumbs over the height: few are large"},
    {"NAME": "pull", "TYPE": "float", "MIN": 0.0, "MAX": 0.3, "DEFAULT": 0.05, "LABEL": "how fast they go down"},
    {"NAME": "mouth", "TYPE": "point2D", "MIN": [0.0, 0.0], "MAX": [1.0, 1.0], "DEFAULT": [0.5, 0.45], "LABEL": "where it is, from the lower left"}
  ],
  "PASSES": [
    {"TARGET": "gut", "PERSISTENT": true, "FLOAT": true},
    {"FLOAT": true}
  ]
}*/

vec3 hash(vec3 p) {
    p = fract(p * vec3(0.1031, 0.1030, 0.0973));
    p += dot(p, p.yxz + 33.33);
    return fract((p.xxy + p.yxx) * p.zyx);
}

void main() {
    vec2 p = isf_FragNormCoord, aspect = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0), d = (p - mouth) * aspect;
    float r = length(d);
    if (PASSINDEX == 0) {
        float steps = clamp(TIMEDELTA * 30.0, 0.0, 3.0);
        // What lies here was further out a moment ago, and has turned: the nearer, the faster.
        float in_ = pull * steps * (0.25 + 0.12 / (r + 0.12)), turn = 0.35 * in_ / (r + 0.25);
        vec2 q = d * (1.0 + in_);
        q += vec2(-q.y, q.x) * turn;
        vec2 before = mouth + q / aspect;
        vec3 old = all(lessThan(abs(before - 0.5), vec2(0.5))) ? IMG_NORM_PIXEL(gut, before).rgb * pow(0.991, steps) : vec3(0.0);
        // Crumbs: in each cell and each twentieth of a second one may come loose.
        vec2 cells = p * aspect * crumb, cell = floor(cells);
        vec3 chance = hash(vec3(cell, floor(TIME * 20.0)));
        float far = smoothstep(0.06, 0.35, r);
        bool loose = chance.x < (0.004 + 0.05 * bite) * far * min(1.0, steps);
        vec2 c = fract(cells) - 0.5 - 0.3 * (chance.yz - 0.5);
        float size = mix(0.12, 0.62, chance.y) * (0.6 + 0.6 * bite), torn = 0.22 * (chance.z - 0.5) * (c.x - c.y);
        float there = loose ? 1.0 - smoothstep(size - 0.08, size, length(c) + torn) : 0.0;
        vec3 flesh = IMG_NORM_PIXEL(inputImage, p).rgb;                      // each crumb still shows what was there
        flesh = flesh * (0.55 + 0.55 * chance.z) / (0.35 + 0.65 * max(flesh.r, max(flesh.g, flesh.b)));
        gl_FragColor = vec4(FRAMEINDEX == 0 ? vec3(0.0) : mix(old, max(old * 0.4, flesh), there), 1.0);
    } else {
        vec3 c = IMG_THIS_PIXEL(gut).rgb;
        float throat = smoothstep(0.02, 0.13 + 0.04 * bite, r);
        vec3 rest = IMG_THIS_PIXEL(inputImage).rgb * 0.16 * smoothstep(0.25, 0.95, r);  // what it has not got yet
        vec3 glow = vec3(0.85, 0.10, 0.04) * bite * exp(-pow((r - 0.075) / 0.03, 2.0));
        gl_FragColor = vec4(max(c, rest) * throat * 1.15 + 0.3 * glow, 1.0);
    }
}
