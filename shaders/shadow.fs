/*{
  "DESCRIPTION": "Copies of copies. The picture is copied onto itself again and again, a little lost each time; shown is only the residue: what the copies have and the picture never had.",
  "EXAMPLE": "dreamed.shadow()",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "copies", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.94, "LABEL": "how much of each copy is made from the copy before"},
    {"NAME": "residue", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0, "LABEL": "0: the picture; 1: only what the copies left"},
    {"NAME": "gain", "TYPE": "float", "MIN": 0.5, "MAX": 8.0, "DEFAULT": 3.0, "LABEL": "how much the residue is magnified"}
  ],
  "PASSES": [
    {"TARGET": "copy", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH / 2)", "HEIGHT": "floor($HEIGHT / 2)"},
    {"FLOAT": true}
  ]
}*/

void main() {
    vec2 p = isf_FragNormCoord;
    vec3 c = IMG_NORM_PIXEL(inputImage, p).rgb;
    if (PASSINDEX == 0) {
        // Each copy is sharpened against its surroundings and set down a little beside: errors grow into forms.
        vec2 e = 1.5 / RENDERSIZE, q = p + 0.0011 * vec2(cos(TIME * 0.37 + 3.0 * p.y), sin(TIME * 0.29 + 2.0 * p.x));
        vec3 old = IMG_NORM_PIXEL(copy, q).rgb;
        vec3 near = 0.25 * (IMG_NORM_PIXEL(copy, q + vec2(e.x, 0)).rgb + IMG_NORM_PIXEL(copy, q - vec2(e.x, 0)).rgb
                          + IMG_NORM_PIXEL(copy, q + vec2(0, e.y)).rgb + IMG_NORM_PIXEL(copy, q - vec2(0, e.y)).rgb);
        vec3 copied = clamp(old + 0.16 * (old - near), 0.0, 1.0);
        gl_FragColor = vec4(FRAMEINDEX == 0 ? c : mix(c, copied, copies), 1.0);
    } else {
        vec3 r = IMG_NORM_PIXEL(copy, p).rgb - c;
        gl_FragColor = vec4(mix(c, abs(r) * gain + max(r, 0.0) * 0.4, residue), 1.0);
    }
}
