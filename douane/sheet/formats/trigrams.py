"""How often three letters of ASCII follow each other in the words of languages that are written in Latin letters.

Per language the commonest three hundred by the number of bits each is worth (the negative binary logarithm of its share
among all), counted in the message catalogues of a free program; `_` is the beginning or the end of a word. Letters
beyond ASCII part a word, so the counts can be asked of bytes whose encoding is not known yet.
"""

from __future__ import annotations

TRIGRAMS: dict[str, str] = {
    "en": (
        "6_th 7theer_ed_ionon_he_is_ent_pa_no 8re_an_te_ter_co_to_revalingecttio_enor__inng__fo_seate_a__beass_yoyou_"
        "vaes_rd_forworordpassswswoto_st_se_ntethiin__anted_chelehisatiat__deconue_as_me__isnotali_fige_le_hanid_ 9ou"
        "rdellea_itlet_dact_it_ts_asebe_chars_ot__moont_malatur_lid_ad_hand_thaersangusealulue_usseressth_easve_ou_is"
        "tnt__do_sull_ay__orresly_ageitentaurepleactngeian_alno_datns__sild_temonsallandew__arcte_muithctiain_ofof_ti"
        "nameablsurhasenssitaddherry_bleilllec_obobjbjejec_pl_acust_wiselfieorm_vierepaglowow_namfileteminemprec_stmu"
        "saremplbersh_ 10_exviessired_lerre_onoreperiewailss__lisetet_ch__numbeintnsucesstrhatne__weireicamenesematar"
        "allidayieleld_waequut_houcat_tetesplaliouuu_ca_emen_wit_nasio_diumetatrmaishctsrat_uncormay_tytyp_loavereq_a"
        "untidococu_ponum_micceorrstaountenypewasoululdrelelamaieadumb_attai_geullcanastearar_ty__ti_pe_t_go_odeiss_f"
        "r_taal_sucnistranow_boivedd_gedonequi_soomeil_"
    ),
    "de": (
        "5en_ 6er_te_ 7einschichderchech_rt__ei_daes_ten_dende_we 8in__diiscdieert_bestehenchtben_au_bitte_siassie_de"
        "nittht_istunginengegeneit_se_unbitwer_zutigigeenton__gerde_pane_ioneseortss_iesausatest_daspassswswowor 9und"
        "_mi_anlteeicllend_ernite_nieredatsei_ergebzeinicingde_berier_istiolenebese__inge__fegesverodenisterlting_ell"
        "herestdesnensictze_veum__ennut_voekt_alrn_endindelders_ob_zesiemenreialtsseas_atiall_kekeiussnteabe_komusobj"
        "bjejekminat_for_ab_muerfutzrenit_ser_dohleahlzurbesns_us_mitangametel 10etz_moaktenu_ma_um_eslt__fochstag_st"
        "halensurd_odanzzu_latllikte_adktiferrst_hahl_namechvietritehfololghrestr_tasta_wuwurtemsetillzahormsitfellei"
        "aufmaiel_ntatztage_hikt_zerweilisonevonls_nthrfoldeerdehetun_wizentat_templaniuuugre_nesen_akhinlicneuresrte"
        "il_me__revorals_viadrre_beifehehl_sorecumeesshstempannle__jauteatunzugt__liwebld_plainitra_lehr_esizt_unt_gr"
        "inzerwrzedelwen_naachar_drefalffeteisgegewhltkan"
    ),
    "fr": (
        "6_dees_de_ 7_paionon_er_re_pastiour__le_mo_cole_te_ez_eurentssese_ 8_unqueue_us_ati_voassne__notre_va_lant_v"
        "allesla_resas__es_auouset__endesns_con_ceun__l_ourest_qust_aismot_ch_suot_it_ctiactonten__po_do_n_menalilisv"
        "ou_obectifinteis_ideobjbjejetlleonnate 9ts_ce_essleunom_inierchaageiqualetilureist_da_saficmodpou_maons_av_a"
        "__se_reau__sige_pariss_ountirs_illune_pe_actenlidutiien_d_isisaisupjouili_dubressiut_tesmaiant_sodu__utir_il"
        "__prpagsezuppminter_etaveitembrpprettrreautdifteuou_ar_sisiniodiicaisasatsuransoitble_cacatiseleccoremetatti"
        "e_fi_miarasiocet_ex_il_li_fo 10_pletsoututecheec_ouvsit_trotrombforormrecireintvotmatorrhamampme_nnevecdoiel"
        "lcar_aspriplustrcomuvein_ichritson_nemerlusdatux_ntaainraidanurs_adtratoutteoritifarinirrmaracchissurim_toci"
        "_existe_baser_falliers_veverom_fiebar_heheu_gauuuois_viomppeunousouumeeniinslioimesi_noncun_ajajoaireaunts_a"
        "faitrierezdococuespratui_moiaucucump_vezfineut"
    ),
    "es": (
        "6_deos_de__co 7_esdo_cones__se_elor_ent_nono_el_adoestar_traontntr_en 8asese_la__un_late_aci_inas_nteer_resn"
        "a_io_rasra_que_cato_menue__reionciostaro__po_quste_sita_araen__padostoseroidoicaist_haparminien_vainaccitenl"
        "ecenepor_a_ 9losntiun_unada_trorioteral__loorreseoneelearivalcamon_lid_tisegalodelcomlorha__fanesre_corbre_s"
        "ueccona_puillrecmo_ida_as_mene_carantintlo_nad_obtientabledeb_doimistrca_perorauartilrreserhor_usebeforedeet"
        "oadacadingco_orm_allimobjbjejet_pe_ma_moradsuapo__o__ventoitimbrllaelivernicsu_actued_y_ect_acficato_te 10pu"
        "eracitataricosit_mi_fe_horododuambmodusu_nuselinidesfavavovorduzgretioombiliema_fonaruzczcamporrambilacnomab"
        "llareci_baiguginrarrmatabocu_fiere_dilantipechamplasifiteslicmeruiefeccharegdic_boiosdirenvumerosneruuuame_t"
        "o_cuposdeniciito_vigo_ce_tacomobe_todave_prndoinu_exiarncibildocma_ya__plplaquimarir_ermrmiticcteenoorilesac"
        "cegaipo_niedinueuevode_soerrcacerivo_sesenctad"
    ),
    "it": (
        "6to_ 7re_di__di_coti_ion_in_noon_ne_zioentntete_ 8atoconno_la__un_deonenonassta__paessperer__seser_vaval_pee"
        "rele__qustaaziun_il__caelleriettmenest_es_mi_iloreatiicaorddel_siilipasquewortenali_lasswsword_llattise_na__"
        "alrat 9teruesssini_sto_motra_daataifificra_mil_ch_tuontliaist_stro_iarinscor_matatlo_eserishe_modio_lorminsc"
        "i_ogci_cheggearenseisc_nuonilidaloinaome_neel_oggttoli_do_sselatggi_vintirdiorrget_prard_e_so_dat_soumerre_t"
        "rpagri_ia_mpostrsi_cat_ri_fi_teodiforuraattcamaggutetemcurate_re_aseziile_hadifme_all_orsicelemescarve__doic"
        "uancini_i_po_ma_ssobilgli_poagiginormtte 10onall__o_intame_l_sit_a_eveostda_ano_focanselacctro_utesiricverem"
        "pidolezposonogio_meca__puitoale_lefileneerocel_su_gi_agrmaizzregdevnceutosiaampsonaraoracceann_acgiunesste_v"
        "eorinomga_mermplco_cesualiorltrntaunachitaztrimo__fauuuimptututtuntntopreottovaemandiinv_scgi_ha_manuovzzava"
        "_dococuue_nviolonumscoimiorncoliuntorai_imaega"
    ),
    "pt_br": (
        "6_se_deos_do_ 7de__cote_or_ra__esar_adoas__po_in_reenh_umer_quees_ 8_o_ha_ue_nhaara_paestpar_nonteentconum_d"
        "a_tersen_doto__temenio_cio_quionno_ro_idocom_a_forecita_em_ont_cadosma__vaona_daicase_ste_foporriotemifiormv"
        "al 9verliduma_maalotenisttra_faite_enlor_suser_ouadaodeom_esstosou__alme_is__usorarememonad_obeto_e_staelepo"
        "sminstrnta_simai_vo_exintidarti_adalteraeve_di_mo_meradamena_ereeirressuaemamovpo__osgininaiqu_pecerertobjbj"
        "ejetfavavovorusuvoc_emco_sit_ce_hoquicarltedevia_ve_ndompldicicimoddaspodlo_al_fiqempataanocorcamfictarinfmo"
        "_tifrma 10oveselcesiniirampoegutesua__liome_vepernfolatlecssoso_inshorcadnov_tasegelaitararrosntiirotipdator"
        "rampenstro_prrmeocurectriadinaricoivoplamerilhuuu_totodual_neandfoioi__vi_ba_nailiho_vo_itorquerontoesp_arip"
        "oovariaeu__apdocumendeateendoss_an_mi_ti_ab_fiexidadaciil_ir_der_au_atutonhopontilnosenvnviactrasvieescscoag"
        "entrmanaisbilatomatenoel_desrrehumaliizaerrrel"
    ),
    "pt": (
        "6_de_paos_ 7de_do_ra__se_coadote_or_as_ar__a__esse_es_er__in 8da_araem__re_te_ponte_dota_enttem_umalaciodos_"
        "noest_daro_sseionasspaspalque_o_lavavrvraconicaue_um_intto_parona_quntrontmentrovercom_suistma_eciidostentat"
        "railific_fono_ter_caode 9_ma_va_motilizaeirtenifina_io__pelizadastaminpormodsernad_ob_ouumalid_adrododuduzre"
        "memoza_ina_enidaeletos_siantiteirooraom_ini_e_enhmaiutietouzaicidorou_omevalseless_empo__filor_utis_podsuara"
        "nalolecobjbje_facorcarua_movzadcad_exgineremplfor_hofoioi__gaovejetstrata_diorrdicnovia_resal__atnarrademape"
        "r_veocu 10_totodatedif_me_neameeveco_elasitderempgaradiodihordascamova_viriatesdatanoqui_alhummpo_os_na_lint"
        "ilatespssoha__minennhutar_abdadegume_rosdoctriplaso_postipdesnha_tieraedidevrma_ta_basegve__asnomlo_ermfinum"
        "emerfavavovorrreipoamporm_apnicdelrmidefva_rioutomo_ero_ge_anensalticoeficumnhoponndeel_quaualmanexirelrarir"
        "_alitiv_auilt_mumetsucucecesodoout_prais_itvie"
    ),
    "nl": (
        "5en_ 6_ge 7er_de_et__deeenooran__beeer_wa 8rd__ve_vo_in_heeldverordaarchtere_da_eerdetieis_aante_ie_nieachte"
        "nder_isat_denwachtwtwowoowijes_daterd_niin_ndegen_vavan_teiethetersvoesch_we_maatize__ziingige_megelvooele_o"
        "pns_dezezeector_ijn 9ijdllekenren_alstaardjn_ldidiggeezijgebge_entoeregeuw_terginebrwaagevestcteekebruruinge"
        "_u_heear_uiksteerwbes_zoensgesmetweeallandven_en_mo_mirs_kerag_ite_erteejde_oneve_omrwimaanaa_ofof_ng_ch_el_"
        "lentat_tooegijzike_aals_ld_al__diit_op_toe_se_uwmentalselendjzijecpagle__coergzig_obobjbje_realstaast_inains"
        " 10evo_nokt_ondist_paorgreentabevehe_acmeesitagidanam_nsteelisclectteontuitescna_gettekmin_wigd_om_web_doies"
        "zoruurferatu_lent_ctilatebsbsi_e_aamtel_navatrg_eva_wond_actdintumleevelmeliermoeoet_koeuwetalijiljuuuwordit"
        "_stconon_odeijkieu_juoonansldergetijoudtypype_uiaatdococu_lijabblogeg_jadagunteliedethentiume_ti_slreseek_sj"
        "sjaabl_uubeheefeftft_leteideriberaalchiut_rei_bi"
    ),
    "sv": (
        "6er_en_ 7_intt__dell_ra_ka_et_eraingar__tite_de_ska 8senettdetintan_tilattta_terntenor_atlerenoordlle_anilla"
        "de_i_om__meiskrd_tigilt_vandeell_enionttaradati_koltiall_si_bokt__hang_ort_etvartioon_inngil_durdeara_di 9ha"
        "rllare_du_la__sedenngegen_rearendaver_mada_ga_ndranv_fistrsteers_avsermen_gi_kaminentdersid_ob_da_sknindanek"
        "tdra_tart_objbjejekdatmedtaleckbor_alidaand_elone_fyfylyllkannnegt_av_in__so_misomdel_vikerontforistna__ococ"
        "hch_darnehlt_ittntiig_staigtnnakonckaerinskgarige_poed_lataktnta_ommalormigast_al_namtivktitistatfilollad_li"
        "gljaedarinins_strstposgerns_desansratskiostngael__e_icktre_tekenilj 10atuangllslstelaes_rernst_fomartumdaglt"
        "etagas_jan_hedit_modinmatltauuu_totidtet_bevalat__fror_amniveumeessum_ag__nolsemmanerlisckeatsate_wewebebbse"
        "__auute_domer_saspakicennperelsid_ts_ggantrsa_ngstor_feck_ensode_li_nyresss_rmarnatentypfinatafelundmodrenik"
        "aaltdokokukumantadr_tr_adyttlog_latrorolstokor"
    ),
    "da": (
        "5er_ 6en_ 7et_de__de_inindden_tire_forsk_til_enere 8_ad_foodederangst_ndelleingkketerngske_il_ikkgan_skte_ko"
        "dendadgdgaskogskionger_ikedeal_retler_hane_or__redig_er_afon_skattendtat__sitioettge__ma_duideentiskletsid_b"
        "r 9ating_du__vingear_ligaf_illnne_dirdi_slgenmin_dadetdtaastbruuge_meenned_se_yldom_tasmenin_gylldi_atrugell"
        "ektred_seig_verdrekalsle_blstrhar_ko_eldinrer_mielttreistallsteto__et_vajek_he_veige_aldat_be_fetalble_i_gst"
        "valog_linlsedelser_finskonerestet_ka_obobjbjele_elsholndrlevan_ven_ogoldnd_medes_llidi__gykanis_fil_nult_orm"
        "alggt_renndsev_nlikt_tenvissen 10atostirinnerhednta_te_omansenligsmul_sttatstasisktesomag_undlativenav_li_hv"
        "abelde_sodagdstfelandnin_tamodbel_ug_truuu_toigtighghe_moavneriumenteilf_udatewebebsbsi_dotem_geeho_bokabmat"
        "dieienagerelitenenvn_ktinul_frkerltaessregeksdehhelkonggeltendl_lologem_atavil_wehvisseel_elolonrmacifdt_lst"
        "rreperontmmetidid_typypemergleelaakttivdokokukum"
    ),
    "nb": (
        "5er_ 6en_ 7et__detil_tiforre__ensk__foett 8_iningke_denkkeikkdetter_er_veor_verlleil_innlerordte_endsor_ik_p"
        "aassssonnepaserede_kerallenntt_ellttene_dre_ha_dudigdu_sjojonngear_ig__mell_illng__seopp_opldi_ma_avmender 9"
        "on_st_bruserasjgen_reisk_sientgylyldrukuke_brideav_rdi_el_sl_dastetalletstr_neharse__et_kosle_kaminle_om_at_"
        "nsk_figerrd_elt_viertsidreserdan_istppgndrjekektllikanedeligpginn_nde_oglined_netienog__ditre_vakt_datgi__gy"
        "_at_obobjbjeret_fe_blansrt__mi_hege_onerendiemer_tasse_alhololdittlatrtees_ner_i_igemedrerenenavmalto_vensta"
        "kte_postiavntentetjen_sonnl_lalt_ang_skerintafiladress_ad_tonli_belserdesen 10valalgatorinnstsomelssis_nyfel"
        "ble_doinsrre_liionuuuheldagted_frullrekormlioigsgst_stdinate_moodedelumeenglta_hvldeesikjelstag_kon_boernlge"
        "yttrellen_nuvis_nolis_tenedtorttiekskreelatts_spposostin_is_ltetraonsontbokandtidtypypelagvelggenesvil_trra_"
        "skrkordokokukumtasrg_ditdesadmdmiraserkgg_gjebli"
    ),
    "fi": (
        "7en_ta_ist_olllaon__sala__va_sisi_ 8stain__eiei_ettle_oll_koalaineaa_sal_taallja_lasolesananaasalli_onan_et_"
        "na_ttanen_kettu_mu_poois_kimerlinia__ararvrvo_ma_josivivu_tu_liittintuututttettunellalirjalle 9taassakkisa__"
        "jaeenpoierkteelisstotaihteentmalona_kaytt_sestitu_kuukohkirimilit_syirjoitikekel_vimin_alainsteoikvalttyti_a"
        "anvo_voi_toto_tieai_vaiuu__oi_piaisntaikkatiaatautostli_oht_voita_ku_memuoesiest_sulukumerkkut_eetmaahet_tiu"
        "stpitmisaikleettetiokaiki_imekensisksitamvus_uuukuntioko_miunnty_isijautuloonteiviiisesoienittikseit__luka_u"
        "s_ 10setuusnnaillattte_iteko_kok_enkonema_ettoiokaohjse_ausutuat_avavarstuasinimninnaiedoeli_loiitee_inuulla"
        "makeaku_nanmi_iljuuuuntton_herkiuoktyyot_sitsensuousiennmenosiule_tyasskiniedetuoa_aihhintuuua__os_noosoonil"
        "jojoodostilnni_nineeos_aseio_metea_arm_nuanndet_haomakumiinaksojatavliipossin_asast_yhnumeroakeeityllmatsaao"
        "imkaatumietsesetoantjan_yltosuksva_vattkeude"
    ),
    "ca": (
        "6_dede_ 7_coes__noer__se_ella_que_lantrar__cael_con_petra_unestperno_ent 8at_eu__esont_a_na__in_hats_ionta_a"
        "ci_ensenenyase_reun_menrasor__qu_aqaqunyaya_cioistls_uesha_staus__postr_uscomda_ns_desicaos_ue__va 9al_re_in"
        "tplatroctelidorr_siresra_mincci_plectdelsegst_arintionsunant_rododuir_treval_voeleonaen_lorom_ser_l_alo_llvo"
        "stilterelstes_mori_ili_s__amles_d_inaeguau__manvireusterreamb_aleix_teia_nomlecsi__obegi_dacarforgurit_lau_i"
        "_suamb_antnatuar_o__foormasslaneccriacorodeostten_dote_adaliture_fiut_ix_usuatsviaitaiu_idasel_ad_dificobjbj"
        "ejec_hormars__asllainimodifiid_adellomatnte 10rar_todaterscam_micanlocnic_le_fa_pritzva_bressehorampanvcap_e"
        "xenitatlim_mecadtarntstzaoc_licocuorauuunarpotborgutata_acregic_ntarraomp_af_tiproratmerdocumetacnirillelies"
        "bsbotot_anbleafefegltrtip_so_hi_vilac_vedenbli_geimiotsualrecssitingitap_visici_trgin_aretedreranletps_omeip"
        "upusdoriatediteian_elanciermcumablmar_abetreci"
    ),
    "pl": (
        "6nieie__po 7_niki__za_prna__nane_ny__do 8_wystaprzej_wnirzeski_maowa_jewie_haprarawartieranihasniartostrwari"
        "a__liostest_mo_stawidzijes_wizna_sich__waionwanst_ta_ma_kow_obopr_zotro_up 9mieawnenironpopgo_nikonybieacj_m"
        "irzy_tazawzosaneje__tedo_sz_ij__usodaera_znnijychty__tyewnowigodistiejpowpewupepisent_wpego_zmle_iczmenobi_d"
        "a_gozminajlicja_ownprodanonenakto_iekektmindnipodresany_w_la_ji_ci_no_ieniszza_ormyliusuwybtkoaj__ko_z_forny"
        "clnicjamniodzczbbrapol_i_cie_czcji_lu_coonakieem_ikary_onilik_bylonzin_ad_fontaytk_seplika_dok 10datponnazaz"
        "w_trokucznwpiwidco_lioranuniak_rowoleniolubub_by_erz_a_zy__towa__sz_mumus_dldlaik_twoku_cyfzec_kwba_sunystie"
        "sczetacnowwinume_cyyfrtemusisi_zbazysni_kondodczycejrosojeadrszainunutuuutniesizentry_necz__twwojon_tylpomsz"
        "yuststete_wadaleagateraczdajanoonownyoszink_noowezabablrmaiarajmjmnardwsztyplogmod_abnegkrewyszonelezwazieze"
        "_ntyblo_grliaeciybriel_rokcjymatowwymtkianaode"
    ),
    "cs": (
        "6_po_ne 7te_ky_polou_na_lo_je__ho_prhod_zaesl 8ce_ta__hehesoloslostrproto__se_obskyodn_oddnonotvat_nale_it_r"
        "anistla__tyny_jtetypota_je_bynouno_at_sahujese__vybyllattrazadznadatobsbsaejt_stplaatnent_a_souili 9ch_dejol"
        "e_monebovapu__datinade_doypumenateku_ek_em_sta_taslaodetel_zn_soivanovmusodsdstledahunut_zmka_by_bra_op_v__p"
        "l_mi_maacenakadr_muro_nemvybokuebobo__sp_teel__k__cezenveninojisnejty_odiminkou_ro_chru_ost_ad_weweblsktat_a"
        "lho_en_spodininu_veci_etepraravoprst_pouresioned_namnenale_trastterhujlioliaiarard_kvuuu 10ybrtenotoden_s_st"
        "ucelza__buros_uj_vadreblofornskovoatarovstoujiobndesabllon_deormohlze_eznnepebyylahybtoratoladneo_nynynlicse"
        "zletnitsprne_atuenaobrchy_no_toklanta_ko_fontior_tririlstetumum__dnobjbjejekektraz_z_tavumemi_tu_eob_uroubub"
        "oboranivolntooho_reyl_echkteli_naspomoliestutotillovhlehovon_ami_js_ji_anolu_kl_akexi_zozobkemeze_ktmoddel_j"
        "mmocavepovdokkumtacry_eplzevev_icidy_jsoejvsle"
    ),
    "sk": (
        "6_pr_pote_ 7ky_ie_je_nie_ob_naov__nemenpre_zastr 8sky_ho_helo_hodheseslada_stna__jeovasa_ia__ak_sasloch_to__"
        "vyznaiaczadeni_oddnota__niodnistpri_alnotitene_re_akoalela__dodajpolnovajt_meotajtesahujelatnenaniiliobsbsae"
        "boatn 9ou_slaplaektko_pou_by_znobjbjejekvanstiac_viaent_a__mabra_mi_zmny__spsta_chlebbo_mus_uiuistitpro_bobo"
        "l_mokovmi_zmenamle_rovodsdstrosvatatenakdan_zo_pldenene_musiaku_ami_viliacia_reli_ostsprred_tr_room_iadstuby"
        "__dehovcieak_ka_nem_tonskahotorolovybmin_v_odoadriaroznridranniaati_ce 10no_tumahuybrol__varesce_uuuktotovne"
        "p_tytypkt__seho_inatrity_steej_licfored_dinnajetkovomalkci_urichkonnasrihihlodedel_noickovevenesaormolerilsp"
        "eok__s_smeidarazdokumespo_o_abl_kvcelva_sleledtroobram_er_ast_ophlaokudosobnoto_fodne_teesirokolietechyhyb_z"
        "_zozme_modprarav_buoprpovkum_insli_asoditinmeset_tu_adndujzovpomolu_adtotinnaspborntior_podexizobba_en_omobu"
        "drietup_abel_ali_kolovdreladdy_nejestajvjvium_"
    ),
    "hu": (
        "6_a__me 7gy_megjelele_hoegy_leon_az__sz_eget_len_azen__je 8eg__beelsem_lsztumfelasz_el_adek_es__ta_neszttt_s"
        "ze_kelegbb_va__kanemtarartjon_vahogogysa_at_ellak__kise_ll_ok_djoan_ereagytalez__felda_ezja_ik_ssz 9has_olel"
        "_hozentolddal_bitelzerhetnyo_haletminadjsznrtakezmenbizettvag_alal_yesterkerszazonnyelasreslt__mara__z_ara_m"
        "i_obobjbjejekektktuot_lhakelegalapnakegfcs__idgfeer_sod_nanapap__nimez_recsoalmlma_do_csninincncstozmetintum"
        "omazfornekaktum_is_enetekennkarlye_deizoonyyoselhtvakapmoklatosoillrakzet_arve_gyevelozzsol_saus_odjkteormai"
        "_lliuuuztosikbe_zikapcpcsmaidellonperljeebb 10indelyketeteni_adasz_ehendeameie_moteljarrottesedjazavpushezda"
        "tkat_fort_lehnytrtoablblokiv_isdoseszhononl_hi_e__moendytesabjeb_siikemeljegltoezibantkeezelleenlnledokokuku"
        "mumerengadnieosssenlemiszhatgalnlade_nt_unkszocsa_pehosercztrma__joogogosulttetnetejeadvdvaoz_ol_tatmododeap"
        "oeng_pogi_nnigenjogbejemehib_enbi_ail_jaltsre_"
    ),
    "sl": (
        "6_pona_ 7te__pr_naitepreni_no_je_ti_lo_red 8_da_zainaov_ost_georaeslslo_imne_tev_mo_ve_dorangesnosja__st_iz_"
        "nimenstr_vsznali_edn_setra_nesta_jeda__vrla__bika__vnnasjavst_aniimejenizbljadnoih_vne_obanjlje_spiliima 9ta"
        "_porki_nesvelnjevrebit_upuporabcijoljen_ke_to_nutemeijo_znma_eljaj_aviko_novacivsedatsit_inza_ali_urlijjonzb"
        "resi_demor_teprian_stierinaked_ijain_bniasl_bo_tr_kolovbriminavnentmetseb_alpositivil_mevnopolik__nome_eve_m"
        "istemesjanremniktaviloledtre_vara_se_spreniabnkotevivitev__v_ritvenslaga__taletpratekenaenobiloveer__skrisis"
        "tjihateglenajot__toeti_makovva_tilaveskrnam 10_z_likodaastilapovikautnonakrbisaogorazestoglpodri_ovoskutnoos"
        "kinu_brelinjaektenjpognihatoem_bo_ntarenenuelotrikupskiegaet_rbibra_leez__raobjbjejekezamo_ponedldecsaneznev"
        "ajo_bi_vezajtravdelprorosumetemrevdlologvsaon_dnjesedajratmi_ujejskodenimim_atutumejaek_terdovzahahthtebervo"
        "ldokokukumtacstoede_paecieziotenisnjisec_en_od"
    ),
    "hr": (
        "6te_ijeje_ 7_pr_poki_na__daskiranno_li_ite 8traja__unka__stti__ko_lo_moda_ozine_inkrislozzinanjrij_ne_naosts"
        "trpripro_zajedjenani_odcijnes_sani_ma__niunenjenij_jeimaesisitravoriva__imspr_doispnoske__ispra_obkor_brovao"
        "daijaadratinic 9_ov_vrilizna_bidateniednraj_se_trstabrian_sniirasigigugurmjeza_romisnistacieri_os_liih__mavr"
        "iku_ajtjteiti_renakosime__ilpos_iz_admin_vidnose_urajerresbramo_avnsadenast_bropreroj_znisaoli_slbjeektta_lj"
        "eavanskstedabvi_ji_danikaomimijobjjekod_sanema_i_nkumalnovca_nkadrejesini_svnemmollimeliako_nomennjasa_ojiat"
        "uolj_venikju_edetretirvannut 10eseimopolavi_vaupnoj_nkejeljskabrtumaj_stu_akaliunooraoveimeritom_ovostoansls"
        "kizbzbrestnisanaljaeda_ukpovicari_su_icece_aveak_podra_alnanoam_bitko_bi_nihvez_grve_dener_egipno_mirazijssv"
        "ikojalaukuenjenoog_man_u__kaatonu_vedenevil_urci_tattnoetitri_deotetek_silikla_emeik__tiip_akaoviezastivo_ta"
        "vnaventrez_ravatenuojepotsettojutnnimlantot_us"
    ),
    "ro": (
        "6_dere_de_te_are 7_nuntr_pa_coilivalent_va_acne_ 8le__seterie_elenu__inparateconrolaroea_ul_estect_pela_tila"
        "t__maereintlioace_ca_cutruumecesru__a_mai_fioarctesteor_trecaraneodurea_as_uniunica_trnumoan_arpenri__ad_dau"
        "n_ai_alu 9_suist_o_izaalitor_do_miioacu_gur_estrolizue_rodst_ni_uriultlue_potat_remul_f_astaraminiguducuceol"
        "autiifificin__saagigin_lisigal__puutepaguniacton_ine_ob_no_orsta_utzatici_fo_lacum_murgeorieasta__scinulidur"
        "aloaionlecerginiileato_di_ceresasiselce_datceaorent_catchiau__mo_allt_iteebume_ctatraimbnicbuilormenuntnteri"
        "lel_strut_marnutiecntirebtaraloraccceoattoarecbiemodostar_triui_uneobi_aulicschhim_nifos_urcelrie 10_si_toon"
        "tdinrul_ventasauratieres__necun_ti_prdococusun_exadreciianii_uierelreg_spalembaitaeazecesitperimisucucc_luct"
        "_tenartode_dutulsetdreablbloanileanecluntipic_noupliauter_teleseia_erium_luieptcif_ococt_afrar_gogolol_corug"
        "agernde_videlmissiuei_taletaacuil_uluimamilse_"
    ),
    "lt": (
        "6as_ti_ 7is__pa_neai_te__valapiteinkkitsla_kaijo 8_prililijvalrininijonus__da_su_slmenptaeikio_turapttintasp"
        "riistos_kaipas_timasali_tuuri_rereiinttikau_ra_aluntiartentstaiaugalniskad_nuue_ad_varaugikionaluemin_laiti_"
        "f_skitil 9imataivesasitrita_nkiojakin_skyraeis_yrja_ala_naskari_nassitiaistidartojdaugiaeskijacijienikaugi_g"
        "a_arar__seaba_mi_ad_viir_keiotoektnauodiand_irlauelirtoapirodnaintasijdabiriaukktiklanklardbarpra_attotei__e"
        "ltataciadrabl_sitradiemetiusytariees_aitlansirip_ome_peakelai_obobjbjejekktaedaytirytdissudnktisiaipperveipa"
        "kvo_pusaryudastrsu__puusl_gr_tringtuskasneiantumeuo_ned 10_ta_beata_diiks_doesaaviinuarbbuvuvousinetatynt_et"
        "u_sartieleresgisnganeskammo_rba_ma_budinjo_nuodrenkajasba__komaiugoadiaududoteipatblolonma_vimdat_meridto_au"
        "s_bajandastacliopavitmolilemememilenkrasvisui_nimeit_apsauauj_tedelsimtrusasavaril_kvaisraiaidkarotiorisusij"
        "urisatsjoskur_deeni_fagailia_vevielinaiknutuoj"
    ),
    "lv": (
        "6as_ 7_paes_parai__ne_vams__la_iz_vi_irir_ies_pi_atts_pie_noienvieietar_ 8_saarorolvai_daumska__veievlietie_"
        "nanavav__iekstatuna__ta_kaskatu_veiis_anadatam_eidaks_ma_se_deevarakta_oleus_vadetoda__tipasder_litot_arkumi"
        "javisne_maista 9ti_auklai_apkatlapja_ika_jakaivarnesdienasent_skaitot_turnosnu_tikecitneizdekt_koeviastzdz_u"
        "n_obobjbjejekks_stsiemgumun_em_iecapaadasekli_izmle_iljljojonto_eizba_baicijjasst_airoliainjumlesgs_reijamta"
        "t_donedmazizv_dilauzmalabestno_rasesetumenaistenosatlassaios_et__uzats_ga_ciga__trniegi_tus_tuaikriemi_nepum"
        "u_au_beati_miundnotds_manstuaisetn_rals_uuu 10baseraenuumimu_du_jauautdrolis_rearbra_atltlatraodeosanorntini"
        "_cipipa_stsi_dartasapssararaifistzismsmaaz_triirmekmktugadtamjs_ieriekaizma__moru_mennododrinase_tilpiratnit"
        "ltlistinevvalaldabons_ri_izsktiamabu_modtifdokokuumers_tajantntovirrmstunminarinum_aisauukuetiadrju_konatkci"
        "ejiejotrtogt_ie_betcinresesimesidntojmetvessel"
    ),
    "et": (
        "7ne_ud_est_ku_se_si_saon_isesistud 8_vastaid_olege__kamin_olutale_us_te_tus_ko_on_eida_ei_ustsesst_ta__pasal"
        "na_ks_ja_ektendalastuinekas_muti_ematagageli_alivaled_misga_lasimi_teajase_erilemsutel_rtuatuasuusema_ 9isaa"
        "b__miistet_tataat_jased_limalkui_po_etsee_lelismuusellt_kuseerentigaaad_uututitualuooleksandia_itaamikti_pe_"
        "velehtsiobjbje_viingui_ee_it_ndukorada_objekuudveeallorrrrepartaj_maoonsaakuuev_ndieenoniatari_sioiootnerekl"
        "itidelik_alem_de_peais_hemtadik__tuas_ad_llaaldniminuarv_aapalaegiteakstriktnni_tamudehtemensi_ellesstunund_"
        "suastun_gu__losties_ 10reeevadetlunrooollldaatevig_do_taeabsseuutvaa_niatsomaat__kiiljmeestrndmaroljala__tou"
        "ueelellesteasiehedelelimi_gus_ke_prlliormrv_uuuuupigesekil_tidteintaagailiadenneinirimmashi_ritteeseodesndaa"
        "anoli_laljojontrekonontisuue_ntiki_eidumemaakinnitadrresnummatetuissidadi_ehtimepol_juiltamapraeguumbsuuer_i"
        "maaasvadikusitnd_didposigu_audokokukum_hetil"
    ),
    "is": (
        "6ur_inn 7_vear_ka_ir_nn_skaekkum__intilver_ekkilgil_ering_viillki_er_ta_lykkki_lyst_ykista_sk_enilolor 8_vat"
        "t_ild_gi_seil_ra__tieyt_hedi_ninng__sl_brturlljset_ogog_breeraeng_stvalendreyndidaggarandldieiniltinsega_no_"
        "meettsamlegtaf_hllutla_nsk_eyldufurnothlutu_lt_skr_miue_ 9_daessvinastangafi_efist_gengaen_stinduvef_nengure"
        "itinetnin_hefefueitnni_hatnitta_fyotatanljannsldaduralulue_ei_afan__leyttagsjarti_leiga__f_nsagasfyrrirna_ti"
        "rttida_afngsengiamlyri_reutualduuu_al_flfanheindadu_semllamleftifirgerrt_hal_mavarri_nihaladumlin_umindrsttr"
        "italertgurtareftyta_ganstnafminhafem_urseil_bisniril_kvvisss_allginannnd_nu_danun__safi_sen_snnirnesbilesk 1"
        "0getefsssinnaetuaf_ngdinufn_nariha_trustsi_gu_tumja_eirvilllitenupp_tvlenstrkktgan_frfa_keraraksttfa_taitufr"
        "avelittafteriranld_ktuns_marintlskkt_skimi_lurfleftudir_fa_upttuanaunaskuuggleyesteldafall_vir_lilismm_ensll"
        "tagutakru_ma_skoars_tent__lasa__foforlu_akkkug"
    ),
    "sq": (
        "6ni_sht 7_shme__e_se_ish_njim__paimi 8alivlefsh_meet_mi__je_i_onilimkalht_jal_fjfja_nd_vlgje_s_te_akt_kashij"
        "e_ra_jet_dhin__mu_u_min_do_te_si_juaj_dheues_gjshmunduaj_ososear_uar_nues_ka_hme 9lefedhmun_seefshe_ndrlerzg"
        "jur_jeprdodorta_ja_timon__fsjedtem_koktihen_dusi_nd_ist_popnijenshu_rijo_araepnllopar_vetua_fa_emionhetemiys"
        "hgurbje_saat_rueashigu_obobjjekektrimdryrysenteniduhuheorucakit_ju_ri_ron_maen_faqnumsiglut_fu_tadhjhjeesish"
        "__krton_ngngafilrzghurnistri_luuteua_idhajt_mimenforormrejgjior__foerailijt_sajejtdo__llshe_lidrenti_daimeve"
        "_aqeill_fi_jaurohum_moenduni 10dhusesstrdatshk_viushpriqe_ti_hnianihih_batortiv_prjuake_lisie_uuuenjoshkenej"
        "e_kyumendirmbikehtekte_adrasfusnjandombamet_in_kjkjosisetolioiniohuonjshokohloj_redonjtijan_trre__sukrehua_m"
        "bga_vijatikon_leokuruabaj_diditgararitjehirjistrovizdokkumhunrestilplolotartne_marukskse_dyvepeprrjeerilejky"
        "_tinnte_turohtrurmamat_pl_sksuk_jopanbrandande"
    ),
    "ga": (
        "6ach_anan_ch_ 7il_ir_ar__a__le_se_bhithis_dh_igheacairgh__arannin_seoad_ain 8na__chchthai_agaitle_inneo_athg"
        "o__go_doaigteaean_cual_adhnn__naearocathebhfcalailcinta_htareaomhhe__ishfu_fouiriredo_heiuil_aifuimh_istrai_"
        "cathaheaidhhoctai_ciamhas_nnton_cui_ationchasteleamhaillrac_dearaha_ag_os_fho 9_scid_imhnacllinnaartceaead_l"
        "uluanaiasfsfhntiuac_robhath_liochu_thghaaga_fa_ceaghanaiosthr_gahar_teeatbhe_soeit_satig_amhadre_sea_iooir_i"
        "nuaiaidcaiaisrogoghrt_fai_fhhanscrhraideeis_pabaipaste_aguhoieimgusus_uimht__bache_sh_uanisolafoc_coneaint_l"
        "arioghnntaicicarcri_ha_sudeoat_ada_raarrinmidista_dh_as_slosaamarthostig_ 10hnadiriargacabhimseoroiceamfidta"
        "rbeara_ineleiur__mhnm_orachlthfhfilageoihunsonthoor_laiochde__i_mpltil_maeagoilsai_lihindeaont_eahas_iala__t"
        "rocr_tonteaointroinantoiseolmhiuuulac_uieasgatoig_mbge_loihirse__rine_nnigaimseonrsammhnhnicom_phhlosadriali"
        "afoiratarcicedhescaimpirmshiiniganmacoibasteic"
    ),
    "tr": (
        "6in_eri 7ir_ler_bi_de_ollanolaen_bir_sariner_an_lar_builiarairinda 8_gela__ta_pari_parrolbu_aroama_vetirya_a"
        "k__siiniileli__gi_kaesida_eledi_si_rilsaydanlam_yarakbilar_ala_baneski__da_kugir_alllakulullni_iz__se_hace__"
        "neetitar 9_dolen_beereoluerlesnsneon_ek_ndema__ademiun_lmasilik_und_anle_isioruminca__ilil__i_klesinsteldine"
        "_lunolmve_ilmrunbelterrliden_ayildlemnlelir_et_em_fa_ek_tenizta_indlgi_yesizlin_zozorediilgsititere_ayaat_ma"
        "ktfefenememekgilturekl_korsiulamadtemrmeahirla_diaz_ineunuvereceayfyfadakakiip__arnelim_arime_areururumistla"
        "ysahhipenieliresaktndiyorlmederetktkincesaaaattamily 10rih_bo_mencaizikaruuuzla_soyarekiandunana_mascutlik_p"
        "oel_blo_enyonet_fazazlson_kieylyleka_daddirrulgelzinablersrlelyoinm_he_eyend_ma_otyenanalduerdlonkte_azih_im"
        "lretmevevcvcuut_nmete_otutilold_no_yook_abimaykimmedgerkti_moelglgeadaonuadrdrerdeangmlianlenlebiatamesum__i"
        "smododedeldahacaanckaysanmlarengisiyoor_eyinet"
    ),
    "eo": (
        "6oj_as_la_ 7_lastato_eston__enro__es_neta_aj__deitajn__vi 8_pa_poforvastas_se_ti_ma_alvalne__rean_ort_va_fov"
        "origiiu_ekt_kapassvoasvrtoojntajenihav_kostioroti_onoerontatojentvi_tonilitiumaliguistgu_noj_elde_atoalokona"
        "ntrojion 9riggi_ajnpor_nois_straroavaustor_ia_ormna_retaluoriktolo_menlorliotigkti_peen__in_ke_danigtanviamo"
        "_ovakajperntoiloke_devnom_dodo__hapo_onaonvali_uzun_eleevariltriue_datnvotitert_bompono_enhnha_oblojal_rmale"
        "k_su_cecerbonvololulu_eravid_tr_moontobjbjejekilaatara__prumertisigluego_doneblel_stopliesores_kukun_siosili"
        "__rietetar_miferda_lonigneto_f_ 10se_minagonenuzalat_ekomo_kirek_liekzbloukcpov_adio__tasonkamampiujtejnovku"
        "mter_hoenaldova_mestroomeablmaninitraekomon_janiuzantisostejoerm_plndinsttruzisma_millas_agproigoblain_ran_s"
        "aronjo_horverdoj_n_natpojsalluter__dusenciokzigno_anbrortaplearaliaga_emptipipouj_possekutierveloikarmeesi_n"
        "uariinsntecifalamajigamar_ebiditum_erkvaindeti"
    ),
    "vi": (
        "3ng_ 4_th_kh_ch 5_nh_tr_ti 6nh__ng_ph_qu 7_giay__hoan_thahaytra_liangin_ranchoho_ 8_ki_saxemtin_xeem_au_ai__"
        "va_duch_quamaisau_ememaailil_valalulueue__wewebung_hikho_f__ba_biquy_haianduntri_la 9_nanhiuaneb_haion_te__m"
        "auy_giary_trora_ua_hi__bu_muthi_genghchunguguy_ipnaytry_coronong_vi_ur_r_thush_nhaionia_ba_huy_segeobanipvpv"
        "_ 10sititemin_momododedeltruruy_vuvuiui_am_urlrl__tosio_ananhani_tu_mieomomemetetr_slniaishebsbsihoaoa__loen"
        "t_adadmdmijanngosaitho_po_spspa_lu_mest_me_arael__talatsesessssita_ti_lugga_la__bralaha_panicalanen_ati_in_a"
        "_duy 11genntrmannd_ac__idid__djdjago__sick_elsls_theheoeo__xilin_caao__kekeyey_hauhuncosost_paalllisizeze_se"
        "rer__hu_sttuyven_tees_nam_daatamulultltisluug_friturerb_ga_riri_engngaton_bocatntinis_nidu__ailendo_indndi_k"
        "aantni_ma_na_bi_uguse__al_fifililele__bybytyte_m_ 12_rerepeprpr_logoge_obobjbjejecectct_conontrolol_comommmm"
        "aandmac_ra_clclilicick_ghghipopopupupup_xinpaminknk_cao_cu"
    ),
    "cy": (
        "7ch_yddyn_wn__cywchau_ili_yn_y__gwiwnliwod_ad_eg__diwyddd__ma 8ddicyf_deiad_dd_neth_ir__na_garthewi_r_yfrfri"
        "yd_wr_naiol_ue_eu__ar_i_rin_gymae_vavalalulueina_f_airnydar__rh_o_gwees_gannoddilid__ei_sisicennnewae_til 9i"
        "crthrys_er_ll__ffawrychrhelennegcrhhewewc_ll_nigoledddiwgyfallfodwy__goedifeini_dewyfe_caan_io_defefnwedlwyw"
        "is_no_fo_we_mwmwydi_en__dyfnydiaweiwidertdolrhodde_undau_sewrtddoel_irieth_teai_howowc_dofle_en_hwhwnna__ani"
        "wrnna_amtemalerianeuilylyswynnw_sodwerun_dyd_a_if_eitrycdig_sy_meenwadaoeseinyr_ddachwhrydwydimim__sa_aiaile"
        "ir_cwrileilaesithgwa_n_dalaet_bodelnaw_aw_tr 10iny_chodeaneudafenoso_taiauempmplileleuwirrifythhrelyghaule_e"
        "icichnadlialadaf_is_reddioon_candog_oenniplayw__he_yrgwrnolanggoffan_ebandnddbodcynynn_dail_ffedo_llwannisws"
        "wy_migalnauag_ata_haig_afl_gedeg_aloli_moos_gydnil_beununudud__pogu_odiolylynynosafngoddwrwybosst_gaelauogfg"
        "fenaeathmodnnwnwyengtrimunffunnuywiferserofn"
    ),
}
