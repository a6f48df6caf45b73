/*{
  "DESCRIPTION": "Blur that means something: how far several futures of this picture disagree. Where the flow between two pictures cannot be trusted it is strongest.",
  "EXAMPLE": "dreamed.doubt(amount=0.7)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Blur"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "motion", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5, "LABEL": "0 sharp .. 1 nobody knows"},
    {"NAME": "everywhere", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.4, "LABEL": "1: the same over the whole wall"}
  ],
  "PASSES": [
    {"TARGET": "fine", "WIDTH": "floor($WIDTH / 2)", "HEIGHT": "floor($HEIGHT / 2)"},
    {"TARGET": "soft", "WIDTH": "floor($WIDTH / 4)", "HEIGHT": "floor($HEIGHT / 4)"},
    {"TARGET": "softer", "WIDTH": "floor($WIDTH / 8)", "HEIGHT": "floor($HEIGHT / 8)"},
    {"FLOAT": true}
  ]
}*/

vec3 around(sampler2D picture, vec2 p, vec2 e) {
    return 0.25 * (texture(picture, p + e).rgb + texture(picture, p - e).rgb
                 + texture(picture, p + vec2(e.x, -e.y)).rgb + texture(picture, p - vec2(e.x, -e.y)).rgb);
}

void main() {
    vec2 p = isf_FragNormCoord, e = 1.0 / RENDERSIZE;
    if (PASSINDEX == 0) { gl_FragColor = vec4(around(inputImage, p, 0.5 * e), 1.0); return; }
    if (PASSINDEX == 1) { gl_FragColor = vec4(around(fine, p, 0.75 * e), 1.0); return; }
    if (PASSINDEX == 2) { gl_FragColor = vec4(around(soft, p, 1.0 * e), 1.0); return; }
    float here = amount * mix(1.0 - 0.8 * IMG_NORM_PIXEL(motion, p).z, 1.0, everywhere) * 3.0;
    vec3 c = IMG_THIS_PIXEL(inputImage).rgb;
    c = mix(c, texture(fine, p).rgb, clamp(here, 0.0, 1.0));
    if (here > 1.0) {  // seldom: without a GPU each look at a picture counts
        c = mix(c, around(soft, p, 4.0 * e), clamp(here - 1.0, 0.0, 1.0));
        c = mix(c, around(softer, p, 8.0 * e), clamp(here - 2.0, 0.0, 1.0));
    }
    gl_FragColor = vec4(c, 1.0);
}
