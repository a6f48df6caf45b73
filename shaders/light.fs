/*{
  "DESCRIPTION": "A picture that adds nothing goes dark, from its edges and its colours first; a new one takes its light back. `novelty` is the picture's rank among the last ones.",
  "EXAMPLE": "dreamed.light(novelty=0.4)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Light"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "novelty", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0, "LABEL": "0: seen before .. 1: never seen"},
    {"NAME": "floorLight", "TYPE": "float", "MIN": 0.0, "MAX": 0.5, "DEFAULT": 0.06, "LABEL": "what is left of a picture that adds nothing"}
  ],
  "PASSES": [{"TARGET": "level", "PERSISTENT": true, "FLOAT": true, "WIDTH": 1, "HEIGHT": 1}, {"FLOAT": true}]
}*/

void main() {
    if (PASSINDEX == 0) {  // the light follows within a second: a rank that jumps must not be a flash
        float was = IMG_NORM_PIXEL(level, vec2(0.5)).r;
        gl_FragColor = vec4(FRAMEINDEX == 0 ? novelty : mix(was, novelty, 1.0 - exp(-1.5 * TIMEDELTA)));
        return;
    }
    float l = IMG_NORM_PIXEL(level, vec2(0.5)).r;
    vec3 c = IMG_THIS_PIXEL(inputImage).rgb;
    float y = dot(c, vec3(0.2126, 0.7152, 0.0722)), edge = length((isf_FragNormCoord - 0.5) * vec2(1.5, 1.2));
    float here = clamp(l + (1.0 - l) * floorLight + (l - 1.0) * edge * 0.3, floorLight, 1.0);
    gl_FragColor = vec4(mix(vec3(y), c, 0.3 + 0.7 * l) * here, 1.0);
}
