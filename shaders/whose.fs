/*{
  "DESCRIPTION": "Whose is it: every ancestor of the picture has a colour of its own, laid over the places that came from it, as far as its share goes. Unclaimed places stay as they are.",
  "EXAMPLE": "dreamed.whose(amount=0.7)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Lineage"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "lineage", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6, "LABEL": "how much colour the ancestors have"},
    {"NAME": "borders", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5, "LABEL": "how much the lines between ancestors shine"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

void main() {
    vec2 p = isf_FragNormCoord, e = 1.5 / RENDERSIZE;
    vec3 c = IMG_THIS_PIXEL(inputImage).rgb;
    vec4 a = IMG_NORM_PIXEL(lineage, p);
    float y = dot(c, vec3(0.299, 0.587, 0.114));
    vec3 dx = IMG_NORM_PIXEL(lineage, p + vec2(e.x, 0.0)).rgb - a.rgb, dy = IMG_NORM_PIXEL(lineage, p + vec2(0.0, e.y)).rgb - a.rgb;
    float border = smoothstep(0.02, 0.10, length(dx) + length(dy));
    vec3 tinted = mix(c, a.rgb * (0.25 + 1.1 * y), amount * clamp(a.a * 1.6, 0.0, 1.0));
    gl_FragColor = vec4(tinted + border * borders * 0.25 * a.a * (a.rgb + 0.2), 1.0);
}
