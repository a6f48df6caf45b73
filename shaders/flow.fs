/*{
  "DESCRIPTION": "Moves from one picture of the mind to the next. Where the flow is trusted, things travel; where it is not, the new picture seeps in through noise, light first: uncertainty is shown, not hidden.",
  "EXAMPLE": "dreamed.flow(grain=8.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Transition"],
  "INPUTS": [
    {"NAME": "startImage", "TYPE": "image"},
    {"NAME": "endImage", "TYPE": "image"},
    {"NAME": "forwardFlow", "TYPE": "image"},
    {"NAME": "backwardFlow", "TYPE": "image"},
    {"NAME": "progress", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "0 the last picture .. 1 the next"},
    {"NAME": "pair", "TYPE": "float", "DEFAULT": 0.0, "LABEL": "number of the pair: another noise for each"},
    {"NAME": "grain", "TYPE": "float", "MIN": 1.0, "MAX": 24.0, "DEFAULT": 5.0, "LABEL": "patches of the dissolve across the picture"},
    {"NAME": "softness", "TYPE": "float", "MIN": 0.02, "MAX": 1.0, "DEFAULT": 0.35, "LABEL": "width of the seam between old and new"},
    {"NAME": "light", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.3, "LABEL": "how much earlier the lights of the new picture come"}
  ],
  "PASSES": [{}]
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
    vec2 p = isf_FragNormCoord;
    float t = progress;

    // Flow is known at the places where it starts and ends: look it up once, step back along it, look again.
    vec3 there = IMG_NORM_PIXEL(forwardFlow, p).xyz;
    there = IMG_NORM_PIXEL(forwardFlow, p - there.xy * t).xyz;
    vec3 back = IMG_NORM_PIXEL(backwardFlow, p).xyz;
    back = IMG_NORM_PIXEL(backwardFlow, p - back.xy * (1.0 - t)).xyz;

    // Untrusted flow still bends the picture a little while it seeps away: it dissolves like something, not like a fade.
    vec3 a = IMG_NORM_PIXEL(startImage, p - there.xy * t * mix(0.3, 1.0, there.z)).rgb;
    vec3 b = IMG_NORM_PIXEL(endImage, p - back.xy * (1.0 - t) * mix(0.3, 1.0, back.z)).rgb;

    float wa = (1.0 - t) * (there.z + 0.02), wb = t * (back.z + 0.02);
    vec3 moved = (a * wa + b * wb) / (wa + wb);

    vec2 q = p * grain + vec2(pair * 7.31, pair * 3.17);
    float n = noise(q) * 0.55 + noise(q * 2.3 + 9.0) * 0.3 + noise(q * 5.1 + 4.0) * 0.15;
    n = clamp((n - 0.5) * 1.6 + 0.5, 0.0, 1.0) - light * dot(b - a, vec3(0.333));
    float seam = mix(-softness - light, 1.0 + softness + light, t);
    // Where old and new hardly differ a mix is nearer to the truth; patches are for what a mix would turn grey.
    float strange = smoothstep(0.06, 0.25, length(b - a));
    vec3 seeped = mix(a, b, mix(t, smoothstep(n - softness, n + softness, seam), strange));

    float trust = smoothstep(0.25, 0.75, max(there.z * (1.0 - t * t), back.z * t * (2.0 - t)));
    gl_FragColor = vec4(mix(seeped, moved, trust), 1.0);
}
